#include "absl/strings/str_cat.h"
#include "cli/check/checks.h"
#include "cli/exit_code.h"

namespace lb::cli {
namespace {

constexpr mode_t kOthers = 0007;
constexpr mode_t kOthersWrite = 0002;
constexpr mode_t kSticky = 01000;

void CheckSockets(const Facts& facts, Report& report) {
  const Code& code = codes::kSocketOpen;
  bool seen = false;
  for (const DoorFacts& door : facts.doors) {
    if (!door.socket_mode) continue;
    seen = true;
    if ((*door.socket_mode & kOthers) != 0)
      report.Error(code, absl::StrCat(door.endpoint, " is open to every user of this host"),
                   "chmod 0660 it; lb-controlplane makes it so");
    const mode_t folder = door.folder_mode.value_or(0);
    if ((folder & kOthersWrite) != 0 && (folder & kSticky) == 0)
      report.Error(code,
                   absl::StrCat("the folder of ", door.endpoint,
                                " may be changed by every user of this host"),
                   "chmod o-w it: whoever writes there can put a socket of his own in its place");
  }
  if (!seen) return report.Skip(code, "no unix socket can be seen");
  report.End(code);
}

void CheckTcp(const Facts& facts, Report& report) {
  const Code& code = codes::kNoMutualTls;
  bool seen = false;
  for (const DoorFacts& door : facts.doors) {
    if (!door.answers_strangers) continue;
    seen = true;
    if (*door.answers_strangers)
      report.Error(code, absl::StrCat(door.endpoint, " answers without asking for a certificate"),
                   "what listens there is not lb-controlplane itself: take it off the network");
  }
  if (!seen) return report.Skip(code, "no TCP address is in use, or nobody answers there");
  report.End(code);
}

}  // namespace

void CheckApi(const Facts& facts, Report& report) {
  if (facts.pre) {
    report.Skip(codes::kUnreachable, "nothing of lb runs yet");
  } else {
    if (!facts.server)
      report.Error(
          codes::kUnreachable,
          std::string(facts.server_error.message().data(), facts.server_error.message().size()),
          GetHint(facts.server_error));
    report.End(codes::kUnreachable);
  }
  CheckSockets(facts, report);
  CheckTcp(facts, report);
}

void RunChecks(const Facts& facts, Report& report) {
  CheckKernel(facts, report);
  CheckDescriptors(facts, report);
  CheckPorts(facts, report);
  CheckConfiguration(facts, report);
  CheckVersions(facts, report);
  CheckCertificates(facts, report);
  CheckWorkers(facts, report);
  CheckBackends(facts, report);
  CheckApi(facts, report);
}

}  // namespace lb::cli
