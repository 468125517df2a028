#include "cli/status.h"

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/client.h"
#include "cli/json.h"
#include "cli/member_views.h"
#include "cli/resource.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "cli/views.h"

namespace lb::cli {
namespace {

// Findings and alerts shown before the rest is counted: the screen stays one screen.
constexpr int kFindingsShown = 5;
constexpr int kAlertsShown = 10;

using lb::type::v1::Problem;

// "2 error", painted when there are any.
std::string Count(uint32_t count, const char* word, Tone tone, bool color) {
  return Paint(absl::StrCat(count, " ", word), count == 0 ? Tone::kPlain : tone, color);
}

// How far the newest revision came: read is not in force, while workers have not taken it.
std::string InForce(const api::Status& status, const std::string& age) {
  const uint32_t workers = status.workers_synced() + status.workers_pending() +
                           status.workers_failed() + status.workers_stale();
  const std::string ago = age.empty() ? "" : absl::StrCat(" ", age, " ago");
  if (workers == status.workers_synced())
    return age.empty() ? "" : absl::StrCat(workers == 0 ? "read" : "applied", ago);
  return absl::StrCat("read", ago, ", in force on ", status.workers_synced(), " of ", workers,
                      " workers");
}

// Of the configuration; an older control plane tells the workers' version only.
uint64_t RevisionOf(const api::Status& status) {
  return status.config_revision() > 0 ? status.config_revision() : status.running().revision();
}

std::string HeadLine(const api::Status& status, WallTime now) {
  const lb::type::v1::ProcessIdentity& process = status.control_plane();
  std::string line = absl::StrCat("controlplane ", Escape(process.version()));
  if (!process.id().empty()) absl::StrAppend(&line, " (", Escape(process.id()), ")");
  const std::string uptime = AgeOf(process.start_time(), now);
  if (!uptime.empty()) absl::StrAppend(&line, "   up ", uptime);
  if (!status.has_running()) return line + "   no configuration yet\n";
  absl::StrAppend(&line, "   config rev ", RevisionOf(status));
  const std::string in_force = InForce(status, AgeOf(status.file().applied_time(), now));
  if (!in_force.empty()) absl::StrAppend(&line, " (", in_force, ")");
  return line + "\n";
}

// What comes back by itself, and when.
std::string PendingLine(const api::Status& status, WallTime now, bool color) {
  if (!status.has_confirm_deadline_time()) return "";
  const int64_t left =
      status.confirm_deadline_time().seconds() -
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  return absl::StrCat(Paint("UNCONFIRMED", Tone::kWarning, color), "  rolled back in ",
                      std::max<int64_t>(left, 0), " s; keep it with: lbctl confirm ",
                      status.config_revision(), "\n");
}

std::string WorkersLine(const api::Status& status, bool color) {
  std::string line =
      absl::StrCat("WORKERS      ", Count(status.workers_synced(), "synced", Tone::kGood, color),
                   ", ", Count(status.workers_pending(), "pending", Tone::kWarning, color), ", ",
                   Count(status.workers_failed(), "error", Tone::kBad, color));
  if (status.workers_draining() > 0)
    absl::StrAppend(&line, ", ",
                    Count(status.workers_draining(), "draining", Tone::kWarning, color));
  if (status.workers_stale() > 0)
    absl::StrAppend(&line, ", ", Count(status.workers_stale(), "stale", Tone::kBad, color));
  if (status.workers_disconnected() > 0)
    absl::StrAppend(&line, ", ",
                    Count(status.workers_disconnected(), "disconnected", Tone::kBad, color));
  return line + "\n";
}

// Of a host that is in a cluster.
std::string MembersLine(const api::Status& status, bool color) {
  if (!status.has_cluster()) return "";
  return absl::StrCat("MEMBERS      ", MembersText(status.cluster(), color), "\n");
}

std::string ProblemLine(const Problem& problem, const std::string& path) {
  std::string line = absl::StrCat("  ", Escape(problem.file().empty() ? path : problem.file()));
  if (problem.line() > 0) absl::StrAppend(&line, ":", problem.line(), ":", problem.column());
  const char* word = problem.severity() == Problem::SEVERITY_ERROR ? "error" : "warning";
  absl::StrAppend(&line, ": ", word, " ", Escape(problem.code()), ": ", Escape(problem.message()));
  if (!problem.hint().empty()) absl::StrAppend(&line, "; ", Escape(problem.hint()));
  return line + "\n";
}

// "rules web, api and 3 more", that are not run.
std::string LeftOutText(const api::Status& status) {
  constexpr int kMaxShown = 3;
  const auto& rules = status.rules_left_out();
  std::string out = rules.size() == 1 ? "rule " : "rules ";
  for (int i = 0; i < std::min(rules.size(), kMaxShown); ++i)
    absl::StrAppend(&out, i == 0 ? "" : ", ", Escape(Leaf(rules.Get(i))));
  if (rules.size() > kMaxShown) absl::StrAppend(&out, " and ", rules.size() - kMaxShown, " more");
  return out;
}

std::string FileLines(const api::Status& status, WallTime now, bool color) {
  const api::ConfigFile& file = status.file();
  std::string out = "FILE         ";
  if (file.good() && status.rules_left_out().empty()) {
    absl::StrAppend(&out, Paint("good", Tone::kGood, color), "  ", Escape(file.path()));
  } else if (file.good()) {
    absl::StrAppend(&out, Paint("PARTLY", Tone::kBad, color), "  ", Escape(file.path()),
                    ": applied without ", LeftOutText(status));
  } else {
    const std::string age = AgeOf(file.bad_since_time(), now);
    absl::StrAppend(&out, Paint("BAD", Tone::kBad, color), age.empty() ? "" : " for ", age, "  ",
                    Escape(file.path()),
                    status.has_running() ? absl::StrCat(": not applied, revision ",
                                                        RevisionOf(status), " keeps running")
                                         : ": not applied");
  }
  out += '\n';
  const int shown = std::min(file.problems_size(), kFindingsShown);
  for (int i = 0; i < shown; ++i) out += ProblemLine(file.problems(i), file.path());
  const auto total = std::max(file.problems_total(), static_cast<uint32_t>(file.problems_size()));
  if (total > static_cast<uint32_t>(shown))
    absl::StrAppend(&out, "  ", total - static_cast<uint32_t>(shown),
                    " more: lbctl config validate ", Escape(file.path()), "\n");
  return out;
}

std::string AlertLines(const api::Status& status, bool color) {
  std::string out;
  const int shown = std::min(status.alerts_size(), kAlertsShown);
  for (int i = 0; i < shown; ++i) {
    const api::Alert& alert = status.alerts(i);
    absl::StrAppend(&out, Paint("!", Tone::kBad, color), " ", Escape(alert.resource()), ": ",
                    Escape(alert.message()), "\n");
  }
  if (status.alerts_size() > shown)
    absl::StrAppend(&out, "! ", status.alerts_size() - shown,
                    " more: lbctl get workers, lbctl get backends\n");
  return out;
}

}  // namespace

std::string RenderStatusScreen(const api::Status& status, WallTime now, bool color) {
  return absl::StrCat(
      HeadLine(status, now), PendingLine(status, now, color), WorkersLine(status, color),
      MembersLine(status, color), "RULES        ", status.rules(), "\n", "BACKENDS     ",
      Count(status.backends_up(), "up", Tone::kGood, color), ", ",
      Count(status.backends_down(), "down", Tone::kBad, color),
      status.backends_ejected() == 0
          ? ""
          : absl::StrCat(", ", Count(status.backends_ejected(), "ejected", Tone::kBad, color)),
      status.backends_overridden() == 0
          ? ""
          : absl::StrCat(", ",
                         Count(status.backends_overridden(), "overridden", Tone::kWarning, color)),
      "\n", "CONNECTIONS  ", status.connections(), " open, ", status.connections_total(),
      " since start\n", FileLines(status, now, color), AlertLines(status, color));
}

std::string RenderStatus(const Globals& globals, const api::Status& status, bool watched) {
  const bool structured = globals.output == Output::kJson || globals.output == Output::kYaml;
  if (!structured) return RenderStatusScreen(status, ReadClocks().wall, globals.color);
  boost::json::object object = {{"kind", "Status"}};
  const boost::json::value message = ToJson(status);
  for (const auto& member : message.as_object()) object[member.key()] = member.value();
  if (globals.output == Output::kYaml) return (watched ? "---\n" : "") + ToYaml(object);
  return watched ? ToCompactJson(object) + "\n" : ToPrettyJson(object);
}

absl::StatusOr<ExitCode> RunStatus(const Globals& globals, bool check) {
  LB_ASSIGN_OR_RETURN(auto client,
                      AdminClient::Connect({globals.endpoints, globals.timeout, globals.verbose}));
  LB_ASSIGN_OR_RETURN(const api::Status status, client->GetStatus());
  WriteOut(RenderStatus(globals, status, false));
  return check && status.alerts_size() > 0 ? ExitCode::kFindings : ExitCode::kDone;
}

}  // namespace lb::cli
