#include "cli/operation.h"

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "cli/json.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "cli/views.h"

namespace lb::cli {
namespace {

constexpr std::chrono::milliseconds kInterval{250};  // A person waits.

}  // namespace

absl::StatusOr<api::Operation> FollowOperation(const Globals& globals, AdminClient& client,
                                               api::Operation operation, const std::string& what,
                                               std::chrono::milliseconds limit) {
  const Instant end = ReadClocks().steady + limit;
  std::string last;
  while (!operation.done() && ReadClocks().steady < end) {
    const std::string line = absl::StrCat(what, ": ", Escape(operation.status()), "\n");
    if (!globals.quiet && line != last) WriteErr(line);
    last = line;
    Pause(kInterval);
    LB_ASSIGN_OR_RETURN(operation, client.GetOperation(operation.name()));
  }
  return operation;
}

absl::StatusOr<ExitCode> RunCancel(const Globals& globals, const std::string& name, bool dry_run) {
  LB_ASSIGN_OR_RETURN(auto client,
                      AdminClient::Connect({globals.endpoints, globals.timeout, globals.verbose}));
  api::CancelOperationRequest request;
  request.set_name(name);
  request.set_validate_only(dry_run);
  LB_ASSIGN_OR_RETURN(const api::Operation operation, client->CancelOperation(request));
  PrintMessage(globals, operation, operation.name(),
               absl::StrCat(Escape(operation.name()), " (", Escape(operation.kind()), " ",
                            Escape(operation.target()), "): ", Escape(operation.status())));
  return ExitCode::kDone;
}

void PrintList(const Globals& globals, const char* kind, const char* items,
               const google::protobuf::Message& message) {
  boost::json::object list = {{"kind", kind}, {"items", boost::json::array()}};
  const boost::json::value all = ToJson(message);
  for (const auto& member : all.as_object())
    list[member.key() == items ? "items" : member.key()] = member.value();
  WriteOut(globals.output == Output::kJson ? ToPrettyJson(list) : ToYaml(list));
}

void PrintMessage(const Globals& globals, const google::protobuf::Message& message,
                  const std::string& name, const std::string& words) {
  if (globals.output == Output::kName) return WriteOut(Escape(name) + "\n");
  if (globals.output == Output::kTable || globals.output == Output::kWide)
    return WriteOut(words + "\n");
  const boost::json::value value = ToJson(message);
  WriteOut(globals.output == Output::kJson ? ToPrettyJson(value) : ToYaml(value));
}

}  // namespace lb::cli
