#include "cli/version.h"

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "base/version.h"
#include "cli/client.h"
#include "cli/json.h"
#include "cli/older.h"
#include "cli/resource.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

struct Versions {
  std::string control_plane;  // Empty when not asked or not reached.
  std::vector<api::Worker> workers;
  std::vector<std::string> missing_services;  // Of the control plane.
};

absl::StatusOr<Versions> Ask(const Globals& globals) {
  LB_ASSIGN_OR_RETURN(auto client,
                      AdminClient::Connect({globals.endpoints, globals.timeout, globals.verbose}));
  Versions versions;
  LB_ASSIGN_OR_RETURN(const api::Status status, client->GetStatus());
  versions.control_plane = status.control_plane().version();
  LB_ASSIGN_OR_RETURN(versions.workers, client->ListWorkers());
  LB_ASSIGN_OR_RETURN(versions.missing_services, MissingServices(globals));
  return versions;
}

template <typename Strings>
boost::json::array Texts(const Strings& strings) {
  boost::json::array out;
  for (const std::string& text : strings) out.emplace_back(text);
  return out;
}

std::string Render(const Globals& globals, const Versions& versions) {
  if (globals.output != Output::kJson && globals.output != Output::kYaml) {
    std::string out = absl::StrCat("lbctl         ", kVersion, "\n");
    if (!versions.control_plane.empty())
      absl::StrAppend(&out, "controlplane  ", Escape(versions.control_plane), "\n");
    for (const api::Worker& worker : versions.workers)
      absl::StrAppend(&out, "worker        ", Escape(worker.process().version()), "  ",
                      Escape(Leaf(worker.name())), "\n");
    return out;
  }
  boost::json::object object = {{"kind", "Version"}, {"client", {{"version", kVersion}}}};
  if (!versions.control_plane.empty()) {
    object["controlPlane"] = {{"version", versions.control_plane},
                              {"missingServices", Texts(versions.missing_services)}};
    boost::json::array workers;
    for (const api::Worker& worker : versions.workers)
      workers.push_back({{"name", worker.name()},
                         {"version", worker.process().version()},
                         {"missingFeatures", Texts(worker.missing_features())}});
    object["workers"] = std::move(workers);
  }
  return globals.output == Output::kJson ? ToPrettyJson(object) : ToYaml(object);
}

void WarnOfSkew(const Versions& versions) {
  if (versions.control_plane != kVersion)
    WriteErr(absl::StrCat("warning: lbctl is ", kVersion, ", the control plane ",
                          Escape(versions.control_plane), "\n"));
  if (!versions.missing_services.empty())
    WriteErr(absl::StrCat("warning: the control plane is older than lbctl and does not know ",
                          absl::StrJoin(versions.missing_services, ", "),
                          "; what needs it ends with exit code 4, the rest works\n"));
  for (const api::Worker& worker : versions.workers)
    if (worker.process().version() != versions.control_plane)
      WriteErr(absl::StrCat("warning: worker ", Escape(Leaf(worker.name())), " is ",
                            Escape(worker.process().version()), ", the control plane ",
                            Escape(versions.control_plane), "\n"));
  for (const api::Worker& worker : versions.workers) {
    if (worker.missing_features().empty()) continue;
    WriteErr(absl::StrCat("warning: worker ", Escape(Leaf(worker.name())),
                          " is older than the control plane and does not know ",
                          Escape(absl::StrJoin(worker.missing_features(), ", ")),
                          "; what needs it is refused, the rest works\n"));
  }
}

}  // namespace

absl::StatusOr<ExitCode> RunVersion(const Globals& globals, bool client_only) {
  Versions versions;
  absl::Status status;
  if (!client_only) {
    absl::StatusOr<Versions> asked = Ask(globals);
    status = asked.status();
    if (asked.ok()) versions = *std::move(asked);
  }
  WriteOut(Render(globals, versions));
  if (!status.ok()) return status;
  if (!client_only && !globals.quiet) WarnOfSkew(versions);
  return ExitCode::kDone;
}

}  // namespace lb::cli
