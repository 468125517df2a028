#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/check/checks.h"

namespace lb::cli {
namespace {

using controlplane::Finding;

constexpr char kNoServer[] = "the control plane does not answer";
constexpr char kNotYet[] = "nothing of lb runs yet";

const char* WhyNoServer(const Facts& facts) { return facts.pre ? kNotYet : kNoServer; }

std::string Place(const std::string& path, uint32_t line, uint32_t column) {
  return line == 0 ? path : absl::StrCat(path, ":", line, ":", column);
}

void CheckFile(const Facts& facts, Report& report) {
  if (!facts.file) {
    report.Skip(codes::kFileBad, "which file is not known: --config FILE");
    return report.Skip(codes::kFileWarnings, "which file is not known: --config FILE");
  }
  const FileFacts& file = *facts.file;
  if (!file.read_error.empty()) {
    report.Error(codes::kFileBad, file.read_error, "name it with --config FILE");
    return report.Skip(codes::kFileWarnings, "the file cannot be read");
  }
  for (const auto severity : {Finding::Severity::kError, Finding::Severity::kWarning}) {
    const bool error = severity == Finding::Severity::kError;
    const Code& code = error ? codes::kFileBad : codes::kFileWarnings;
    for (const Finding& finding : file.result.findings) {
      if (finding.severity != severity) continue;
      const std::string text = absl::StrCat(Place(file.path, finding.line, finding.column), ": ",
                                            finding.code, ": ", finding.message);
      const std::string hint =
          finding.hint.empty() ? absl::StrCat("lbctl config validate ", file.path) : finding.hint;
      error ? report.Error(code, text, hint) : report.Warn(code, text, hint);
    }
    report.End(code);
  }
}

void CheckRuns(const Facts& facts, Report& report) {
  const Code& code = codes::kFileNotRunning;
  if (!facts.server) return report.Skip(code, WhyNoServer(facts));
  if (!facts.file || !facts.file->read_error.empty())
    return report.Skip(code, "there is no file to compare");
  if (facts.server->running_etag.empty())
    return report.Skip(code, "the control plane does not tell what runs");
  if (facts.server->running_etag != facts.file->etag)
    report.Warn(code,
                absl::StrCat(facts.file->path, " is not what runs (configs/",
                             facts.server->status.config_revision(), ")"),
                absl::StrCat("lbctl diff ", facts.file->path, "; lbctl apply ", facts.file->path));
  report.End(code);
}

std::string ProblemText(const lb::type::v1::Problem& problem, const std::string& path) {
  return absl::StrCat(
      Place(problem.file().empty() ? path : problem.file(), problem.line(), problem.column()), ": ",
      problem.code(), problem.code().empty() ? "" : ": ", problem.message());
}

void CheckServerFile(const Facts& facts, Report& report) {
  const Code& code = codes::kServerFileBad;
  if (!facts.server) return report.Skip(code, WhyNoServer(facts));
  const admin::v1::ConfigFile& file = facts.server->status.file();
  if (!file.good()) {
    // Warnings of the same file are not why.
    const auto why = std::find_if(
        file.problems().begin(), file.problems().end(),
        [](const auto& p) { return p.severity() == lb::type::v1::Problem::SEVERITY_ERROR; });
    const std::string what =
        why == file.problems().end() ? "" : ": " + ProblemText(*why, file.path());
    report.Error(code, absl::StrCat("the control plane refuses ", file.path(), what),
                 "what ran goes on; mend the file: lbctl status shows all findings");
  } else if (const auto& rules = facts.server->status.rules_left_out(); !rules.empty()) {
    report.Error(code,
                 absl::StrCat("the control plane leaves out ", absl::StrJoin(rules, ", "), " of ",
                              file.path(), ": files of TLS that they need are refused"),
                 "put good files in place: lbctl cert check names them");
  }
  report.End(code);
}

void CheckRunning(const Facts& facts, Report& report) {
  if (!facts.server) {
    report.Skip(codes::kNothingRuns, WhyNoServer(facts));
    return report.Skip(codes::kUnconfirmed, WhyNoServer(facts));
  }
  const admin::v1::Status& status = facts.server->status;
  if (!status.has_running())
    report.Error(codes::kNothingRuns, "the control plane has no configuration, workers get none",
                 "lbctl status says what is wrong with the file");
  report.End(codes::kNothingRuns);
  if (status.has_confirm_deadline_time())
    report.Warn(codes::kUnconfirmed,
                absl::StrCat("configs/", status.config_revision(), " is rolled back in ",
                             status.confirm_deadline_time().seconds() - facts.now_s,
                             " s unless it is confirmed"),
                "lbctl confirm, or lbctl rollback");
  report.End(codes::kUnconfirmed);
}

void CheckMembership(const Facts& facts, Report& report) {
  if (!facts.server) {
    report.Skip(codes::kKeysOrdered, WhyNoServer(facts));
    return report.Skip(codes::kStaysAway, WhyNoServer(facts));
  }
  const admin::v1::Cluster& cluster = facts.server->status.cluster();
  if (cluster.keys_ordered())
    report.Warn(
        codes::kKeysOrdered,
        "keys set by lbctl member key, or by serf keys, hold instead of the configuration's",
        "bring cluster.key or cluster.key_file up to date; a host that starts without its "
        "state has those");
  report.End(codes::kKeysOrdered);
  if (cluster.stays_away())
    report.Warn(codes::kStaysAway, "this host left its cluster by order and is no member",
                "lbctl member join ADDRESS");
  report.End(codes::kStaysAway);
}

// One warning for each alert about this resource, or about something below it.
void WarnOfAlerts(const Facts& facts, const std::string& resource, const Code& code,
                  const std::string& hint, Report& report) {
  for (const admin::v1::Alert& alert : facts.server->status.alerts())
    if (alert.resource().starts_with(resource)) report.Warn(code, alert.message(), hint);
  report.End(code);
}

void CheckHosts(const Facts& facts, Report& report) {
  if (!facts.server) {
    for (const Code* code : {&codes::kStrangers, &codes::kPeersMissing, &codes::kMembersFailed,
                             &codes::kLimitsReduced})
      report.Skip(*code, WhyNoServer(facts));
    return;
  }
  WarnOfAlerts(facts, "cluster/strangers/", codes::kStrangers,
               "compare cluster.key, key_file and label of both hosts", report);
  const admin::v1::Cluster& cluster = facts.server->status.cluster();
  if (cluster.peers_missing_size() > 0)
    report.Warn(codes::kPeersMissing,
                absl::StrCat("configured peers that are no members: ",
                             absl::StrJoin(cluster.peers_missing(), ", ")),
                "do they run, and do TCP and UDP of cluster.bind_addr reach them? Else take them "
                "out of cluster.peers");
  report.End(codes::kPeersMissing);
  if (cluster.members_failed() > 0)
    report.Warn(codes::kMembersFailed,
                absl::StrCat("members that failed: ", cluster.members_failed()),
                "lbctl get members names them; of one that is gone for good: lbctl member forget "
                "NAME, on every host");
  report.End(codes::kMembersFailed);
  WarnOfAlerts(facts, "cluster/limits", codes::kLimitsReduced,
               "UDP of cluster.usage_bind_addr must reach the others: lbctl get members", report);
}

void CheckCluster(const Facts& facts, Report& report) {
  const Code& code = codes::kOpenCluster;
  if (!facts.server) return report.Skip(code, WhyNoServer(facts));
  if (facts.server->status.cluster().open())
    report.Warn(code,
                absl::StrCat("the cluster has no key: whoever reaches ",
                             facts.server->status.cluster().address(),
                             " hears what members say, and is believed"),
                "give all members the same cluster.key; make one with: head -c 32 /dev/urandom | "
                "base64");
  report.End(code);
}

}  // namespace

void CheckConfiguration(const Facts& facts, Report& report) {
  CheckFile(facts, report);
  CheckRuns(facts, report);
  CheckServerFile(facts, report);
  CheckRunning(facts, report);
  CheckCluster(facts, report);
  CheckMembership(facts, report);
  CheckHosts(facts, report);
}

void CheckVersions(const Facts& facts, Report& report) {
  if (!facts.server) {
    report.Skip(codes::kLbctlSkew, WhyNoServer(facts));
    report.Skip(codes::kWorkerSkew, WhyNoServer(facts));
    return report.Skip(codes::kMissingFeatures, WhyNoServer(facts));
  }
  const std::string& server = facts.server->status.control_plane().version();
  if (server != facts.lbctl_version)
    report.Warn(codes::kLbctlSkew,
                absl::StrCat("lbctl is ", facts.lbctl_version, ", the control plane ", server),
                "use the lbctl that came with it");
  report.End(codes::kLbctlSkew);
  for (const admin::v1::Worker& worker : facts.server->workers)
    if (worker.sync() != admin::v1::Worker::SYNC_DISCONNECTED &&
        worker.process().version() != server)
      report.Warn(codes::kWorkerSkew,
                  absl::StrCat(worker.name(), " is ", worker.process().version(),
                               ", the control plane ", server),
                  "one release apart works; go on with the upgrade");
  report.End(codes::kWorkerSkew);
  for (const admin::v1::Worker& worker : facts.server->workers)
    if (!worker.missing_features().empty())
      report.Warn(codes::kMissingFeatures,
                  absl::StrCat(worker.name(), " does not know ",
                               absl::StrJoin(worker.missing_features(), ", ")),
                  "what needs it is refused with MISSING_FEATURE: upgrade that worker");
  report.End(codes::kMissingFeatures);
}

}  // namespace lb::cli
