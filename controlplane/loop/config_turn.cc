#include "controlplane/loop/config_turn.h"

#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controlplane/admin/config_answers.h"
#include "controlplane/admin/limit_answers.h"
#include "controlplane/loop/certificate_turn.h"
#include "controlplane/loop/cluster_turn.h"
#include "controlplane/snapshot/encode.h"

namespace lb::controlplane {
namespace {

// How long the first configuration waits for answers to its names: more than one try at a
// resolver, since a snapshot without them would take backends away from workers that serve.
constexpr std::chrono::seconds kFirstNamesWait{5};

// One line of a refused file each; the rest is counted, and `lbctl config validate` has all.
constexpr size_t kMaxLoggedFindings = 20;

LogFields FieldsOf(const Finding& finding, const std::string& path) {
  LogFields fields{{"path", path}};
  if (finding.line != 0) {
    fields.emplace_back("line", absl::StrCat(finding.line));
    fields.emplace_back("column", absl::StrCat(finding.column));
  }
  fields.emplace_back("code", finding.code);
  fields.emplace_back("problem", finding.message);
  if (!finding.hint.empty()) fields.emplace_back("hint", finding.hint);
  return fields;
}

// Logs the findings of one severity, `most` at most; returns how many.
size_t LogFindings(const ConfigRead& event, Finding::Severity severity, size_t most, Turn& turn) {
  const bool error = severity == Finding::Severity::kError;
  size_t logged = 0;
  for (const Finding& finding : event.findings) {
    if (finding.severity != severity || logged == most) continue;
    turn.Log(error ? LogLevel::kError : LogLevel::kWarn,
             error ? "error in the configuration" : "warning about the configuration",
             FieldsOf(finding, event.path));
    ++logged;
  }
  return logged;
}

void NoteBad(Parts& parts, Turn& turn) {
  parts.file.good = false;
  ++parts.file.failures_total;
  if (!parts.file.bad_since) parts.file.bad_since = turn.now;
}

void Refuse(const ConfigRead& event, Parts& parts, Turn& turn) {
  NoteBad(parts, turn);
  RefuseMaterial(event, parts, turn);
  // The text has not changed, so that what is wrong with a file is all there is to say.
  if (event.only_files && !event.bad_files.empty()) return;
  const size_t logged = LogFindings(event, Finding::Severity::kError, kMaxLoggedFindings, turn);
  const size_t warnings =
      LogFindings(event, Finding::Severity::kWarning, kMaxLoggedFindings - logged, turn);
  LogFields fields{{"path", event.path}, {"findings", absl::StrCat(event.findings_total)}};
  if (event.findings_total > logged + warnings)
    fields.emplace_back("not_shown", absl::StrCat(event.findings_total - logged - warnings));
  turn.Emit("config.refused", "", LogLevel::kError, "the configuration is refused; what runs stays",
            std::move(fields));
}

void NoteRead(const ConfigRead& read, Parts& parts) {
  ++parts.file.reloads_total;
  parts.file.path = read.path;
  parts.file.digest = read.digest;
  parts.file.findings = read.findings;
  parts.file.findings_total = read.findings_total;
}

// Says which rules are missing since their files are no good, where it was not said before.
void NoteLeftOut(const ConfigRead& read, Parts& parts, Turn& turn) {
  std::vector<std::string> names;
  std::set<std::string_view> running;
  for (const RuleConfig& rule : read.config->rules) running.insert(rule.name);
  // One that lacks a certificate runs; the certificate's entry says it.
  for (const RuleConfig& rule : read.left_out)
    if (!running.contains(rule.name)) names.push_back(rule.name);
  const bool news = !names.empty() && names != parts.file.left_out;
  parts.file.left_out = std::move(names);
  if (!news) return;
  turn.Emit("config.rules_left_out", "", LogLevel::kError,
            "rules are left out until their files of TLS are good",
            {{"path", read.path}, {"rules", absl::StrJoin(parts.file.left_out, " ")}});
}

void Install(const ConfigRead& read, Parts& parts, Turn& turn) {
  const bool first = !parts.config.has_value();
  parts.config = read.config;
  TakeMaterial(read, parts, turn);
  NoteLeftOut(read, parts, turn);
  SetNamesInUse(parts, turn);
  parts.services.SetConfig(*parts.config);
  if (first) parts.wait_for_names_until = turn.now + kFirstNamesWait;
  turn.refresh = true;
}

// Makes the next revision of what comes into force, unless it is the content of the newest one;
// true when it did.
bool AddRevision(const ConfigRead& read, Origin origin, Parts& parts, Turn& turn) {
  const Revision* newest = parts.history.newest();
  if (newest != nullptr && newest->digest == read.digest) return false;
  std::vector<uint64_t> dropped;
  const Revision& fresh =
      parts.history.Add(read.content, read.digest, read.time, std::move(origin), dropped);
  turn.actions.push_back(KeepRevision{fresh.number, fresh.content});
  for (const uint64_t number : dropped) turn.actions.push_back(DropRevision{number});
  turn.dirty = turn.urgent = true;
  return true;
}

// The last good one at a start with a bad file. It is not always the newest, which may not load any
// more (a variable or file that it names is gone); nobody is to take that one for what runs.
void FallBack(const ConfigRead& read, Parts& parts, Turn& turn) {
  if (parts.confirmation && parts.confirmation->digest != read.digest) {
    parts.confirmation.reset();
    turn.dirty = turn.urgent = true;
  }
  AddRevision(read,
              {admin::v1::Config::SOURCE_AUTOMATIC_ROLLBACK, "",
               "the file is bad, and the revision before does not load any more"},
              parts, turn);
  Install(read, parts, turn);
  turn.Emit("config.fallback", ConfigName(parts.history.newest()->number), LogLevel::kWarn,
            "the file is bad; the last good configuration is in force",
            {{"path", read.path}, {"revision", absl::StrCat(parts.history.newest()->number)}});
}

// Certificates go on being renewed while an edit of the file that was refused stands there.
void RenewRunning(const ConfigRead& read, Parts& parts, Turn& turn) {
  const Revision* running = parts.history.newest();
  if (running == nullptr || running->digest != read.digest) return;
  if (read.config) return Install(read, parts, turn);
  RefuseMaterial(read, parts, turn);
}

// The first snapshot made from the newest revision is what workers are compared with.
void NoteVersion(Parts& parts) {
  Revision* newest = parts.history.newest();
  if (newest != nullptr && newest->version.epoch() == 0) newest->version = parts.versions.current();
}

// By rule; "" for the one that rules without their own share.
std::map<std::string, RateLedger::Limit> RateLimitsOf(const LiveRules& rules) {
  std::map<std::string, RateLedger::Limit> limits;
  for (const LiveRule& rule : rules) {
    if (!rule.rate_limit) continue;
    const std::string owner = rule.own_rate_limit ? rule.name : "";
    const RateLedger::Limit limit{rule.rate_limit->requests_per_second, rule.rate_limit->Burst()};
    limits[owner] = limit;
    if (rule.rate_limit->client_cert) limits[owner + kClientCertLimit] = limit;
  }
  return limits;
}

std::map<BandwidthLedger::Owner, BandwidthLedger::Limit> BandwidthLimitsOf(const LiveRules& rules) {
  std::map<BandwidthLedger::Owner, BandwidthLedger::Limit> limits;
  const auto limit_of = [](const BandwidthRatesConfig& rates, bool shared) {
    return BandwidthLedger::Limit{static_cast<double>(rates.upload_bytes_per_s),
                                  static_cast<double>(rates.download_bytes_per_s), shared};
  };
  for (const LiveRule& rule : rules) {
    if (!rule.bandwidth_limit) continue;
    limits[{rule.own_bandwidth_limit ? rule.name : "", false}] =
        limit_of(rule.bandwidth_limit->client, rule.bandwidth_limit->shared);
    limits[{rule.name, true}] =
        limit_of(rule.bandwidth_limit->backend, rule.bandwidth_limit->shared);
  }
  return limits;
}

std::map<std::string, uint64_t> ClientLimitsOf(const LiveRules& rules) {
  std::map<std::string, uint64_t> limits;
  for (const LiveRule& rule : rules)
    if (rule.max_connections_per_client != 0) limits[rule.name] = rule.max_connections_per_client;
  return limits;
}

}  // namespace

void OnConfigRead(const ConfigRead& event, Parts& parts, Turn& turn) {
  if (event.from_history) return FallBack(event, parts, turn);
  if (event.of_running) return RenewRunning(event, parts, turn);
  if (event.config) return TakeConfig(event, {admin::v1::Config::SOURCE_FILE, "", ""}, parts, turn);
  NoteRead(event, parts);
  Refuse(event, parts, turn);
}

void TakeConfig(const ConfigRead& read, Origin origin, Parts& parts, Turn& turn) {
  NoteRead(read, parts);
  parts.file.good = true;
  parts.file.bad_since.reset();
  parts.file.applied = turn.now;
  // Somebody wrote another one over the one that waits, which needs no rolling back any more. While
  // that one is being written, it is still to come.
  if (parts.confirmation && parts.confirmation->digest != read.digest && !parts.changes.token) {
    parts.confirmation.reset();
    turn.dirty = turn.urgent = true;
  }
  const bool fresh = AddRevision(read, std::move(origin), parts, turn);
  Install(read, parts, turn);
  if (read.only_files && !fresh) return;
  turn.Emit("config.accepted", absl::StrCat("configs/", parts.history.newest()->number),
            LogLevel::kInfo, "the configuration is accepted",
            {{"path", read.path},
             {"revision", absl::StrCat(parts.history.newest()->number)},
             {"rules", absl::StrCat(parts.config->rules.size())}});
}

void OnResolved(const Resolved& event, Parts& parts, Turn& turn) {
  const Endpoint* asked = parts.resolver.NameOf(event.query);
  if (asked == nullptr) return;
  const Endpoint name = *asked;
  const bool changed = parts.resolver.Done(event, turn.now);
  turn.refresh |= changed;
  turn.dirty |= changed;
  const absl::Status error = parts.resolver.LastError(name);
  if (!error.ok())
    turn.Emit("name.failed", "", LogLevel::kWarn,
              parts.resolver.addresses().contains(name)
                  ? "a DNS query failed; the last answer stays"
                  : "a DNS query failed; no answer yet, so the name has no address",
              {{"name", name.ToString()}, {"error", error.ToString()}});
}

void Refresh(Parts& parts, Turn& turn) {
  if (!parts.config) return;
  if (parts.wait_for_names_until) {
    const bool each = parts.resolver.EachTried() && parts.services.EachTried();
    if (turn.now < *parts.wait_for_names_until && !each) return;
    parts.wait_for_names_until.reset();
    turn.refresh = true;
  }
  turn.refresh |= turn.now >= parts.overrides.NextDeadline();
  if (!turn.refresh) return;
  LiveRules live = Expand(*parts.config, parts.resolver.addresses(), parts.services.services());
  turn.dirty |= parts.overrides.Keep(live, turn.now);
  parts.overrides.Apply(live);
  if (parts.in_force && live == parts.live && !parts.material_is_new) return NoteVersion(parts);
  parts.material_is_new = false;
  parts.live = std::move(live);
  parts.in_force = true;
  turn.dirty = turn.urgent = true;
  std::vector<BackendKey> changed;
  parts.health.SetMaterial(parts.material);
  parts.health.SetRules(parts.live, turn.now, changed);
  turn.health_changed.insert(changed.begin(), changed.end());
  parts.ledger.SetLimits(parts.live);
  parts.slots.SetLimits(parts.live, turn.now);
  parts.rates.SetLimits(RateLimitsOf(parts.live), turn.now);
  parts.bandwidths.SetLimits(BandwidthLimitsOf(parts.live));
  parts.client_slots.SetLimits(ClientLimitsOf(parts.live), turn.now);
  parts.totals.Keep(parts.live);
  parts.outliers.Keep(parts.live);
  const bool changed_content = parts.versions.SetContent(Encode(parts.live, parts.material.get()));
  NoteVersion(parts);
  if (!changed_content) return;
  const type::v1::ConfigVersion& version = parts.versions.current();
  turn.Emit(
      "config.version", "", LogLevel::kInfo, "a new version for the workers",
      {{"epoch", absl::StrCat(version.epoch())}, {"version", absl::StrCat(version.revision())}});
}

}  // namespace lb::controlplane
