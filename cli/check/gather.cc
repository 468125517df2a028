#include "cli/check/gather.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "base/version.h"
#include "cli/check/certificate_facts.h"
#include "cli/check/proc_facts.h"
#include "cli/client.h"
#include "cli/config.h"
#include "cli/config_client.h"
#include "cli/inspect_client.h"
#include "cli/reach.h"

namespace lb::cli {
namespace {

// Addresses of APIs that are looked at.
constexpr size_t kMaxDoors = 64;

constexpr char kDefaultFile[] = "/etc/lb/lb.yaml";

absl::StatusOr<ServerFacts> AskServer(const Globals& globals) {
  ServerFacts facts;
  LB_ASSIGN_OR_RETURN(const auto client,
                      AdminClient::Connect({globals.endpoints, globals.timeout, globals.verbose}));
  LB_ASSIGN_OR_RETURN(facts.status, client->GetStatus());
  LB_ASSIGN_OR_RETURN(facts.rules, client->ListRules());
  LB_ASSIGN_OR_RETURN(facts.backends, client->ListBackends("rules/-"));
  LB_ASSIGN_OR_RETURN(facts.workers, client->ListWorkers());
  // What follows a control plane of another version may not have; its checks say so.
  if (auto certificates = client->ListCertificates(); certificates.ok())
    facts.rule_certificates = *std::move(certificates);
  if (auto more = InspectClient::Connect(globals); more.ok())
    if (auto events = (*more)->ListEvents(); events.ok()) facts.events = *std::move(events);
  if (auto configs = ConfigClient::Connect(globals); configs.ok())
    if (const auto running = (*configs)->Get("configs/-"); running.ok())
      facts.running_etag = running->etag();
  return facts;
}

FileFacts ReadFileFacts(const std::string& path) {
  FileFacts facts;
  facts.path = path;
  const absl::StatusOr<std::string> text = ReadConfigText(path);
  if (!text.ok()) {
    facts.read_error = std::string(text.status().message());
    return facts;
  }
  facts.result = controlplane::Load(*text, LocalSources());
  facts.etag = absl::StrCat("\"", ToHex(Sha256(*text)), "\"");
  return facts;
}

void HideWhatStandsThere(Facts& facts) {
  constexpr char kHidden[] = "(what stands there is not shown)";
  if (facts.file)
    for (controlplane::Finding& finding : facts.file->result.findings) {
      finding.message = kHidden;
      finding.hint.clear();
    }
  if (facts.server)
    for (auto& problem : *facts.server->status.mutable_file()->mutable_problems())
      problem.set_message(kHidden);
}

// Whether the control plane that answered is a process of this host: else its paths mean nothing.
bool IsHere(const Facts& facts) {
  return std::any_of(facts.processes.begin(), facts.processes.end(), [&](const auto& process) {
    return process.program == "lb-controlplane" &&
           process.pid == facts.server->status.control_plane().pid();
  });
}

// The file of --config, else one that is at hand.
std::string FileOf(const GatherOptions& options, const Facts& facts) {
  if (!options.config.empty()) return options.config;
  if (facts.server && !IsHere(facts)) return "";
  const std::string path = facts.server ? facts.server->status.file().path() : kDefaultFile;
  return ::access(path.c_str(), R_OK) == 0 ? path : "";
}

std::optional<mode_t> ModeOf(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return info.st_mode & 07777;
}

DoorFacts LookAtDoor(const std::string& endpoint, bool ask, std::chrono::milliseconds timeout) {
  DoorFacts door;
  door.endpoint = endpoint;
  if (IsTcpEndpoint(endpoint)) {
    if (ask) door.answers_strangers = AnswersStrangers(endpoint, timeout);
  } else if (const auto path = ParseUnixEndpoint(endpoint); path.ok()) {
    door.socket_mode = ModeOf(*path);
    door.folder_mode = ModeOf(path->substr(0, path->rfind('/') + 1));
  }
  return door;
}

// Those that lbctl uses, and those that the control planes which can be seen listen on.
void AddDoors(const Globals& globals, Facts& facts) {
  std::set<std::string> doors(globals.endpoints.begin(), globals.endpoints.end());
  for (const ProcessFacts& process : facts.processes)
    doors.insert(process.apis.begin(), process.apis.end());
  // Where nobody answers, two more tries only take their time.
  const bool ask = !facts.pre && !absl::IsUnavailable(facts.server_error) &&
                   !absl::IsDeadlineExceeded(facts.server_error);
  for (const std::string& endpoint : doors) {
    if (facts.doors.size() == kMaxDoors) break;
    facts.doors.push_back(LookAtDoor(endpoint, ask, globals.timeout));
  }
}

void AddCertificates(const Globals& globals, Facts& facts) {
  if (globals.endpoints.tls.all())
    facts.certificates.push_back(ReadCertificateFacts("lbctl", globals.endpoints.tls));
  for (const ProcessFacts& process : facts.processes)
    if (process.tls.all())
      facts.certificates.push_back(ReadCertificateFacts(
          absl::StrCat(process.program, " (pid ", process.pid, ")"), process.tls));
}

}  // namespace

Facts GatherFacts(const Globals& globals, const GatherOptions& options, WallTime now) {
  Facts facts;
  facts.pre = options.pre;
  facts.now_s = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  facts.lbctl_version = kVersion;
  facts.kernel = ReadKernelFacts("");
  TryCalls(facts.kernel);
  facts.processes = ReadProcessFacts("");
  if (!options.pre) {
    absl::StatusOr<ServerFacts> server = AskServer(globals);
    if (server.ok()) {
      facts.server = *std::move(server);
    } else {
      facts.server_error = server.status();
    }
  }
  if (const std::string path = FileOf(options, facts); !path.empty())
    facts.file = ReadFileFacts(path);
  if (!options.quote_file) HideWhatStandsThere(facts);
  if (options.pre && facts.file && facts.file->result.config)
    facts.binds = TryBinds(*facts.file->result.config);
  AddCertificates(globals, facts);
  AddDoors(globals, facts);
  return facts;
}

}  // namespace lb::cli
