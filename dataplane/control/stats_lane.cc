#include "dataplane/control/stats_lane.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "dataplane/snapshot/balance_tables.h"

namespace lb::dataplane {

using lb::worker::v1::ConnectRequest;
using lb::worker::v1::StatsReport;

namespace {

template <typename Reason, size_t kSize>
void SetByReason(const std::array<uint64_t, kSize>& counts,
                 google::protobuf::Map<std::string, uint64_t>& target) {
  for (size_t i = 0; i < kSize; ++i) {
    if (counts[i] != 0) target[ToString(static_cast<Reason>(i))] = counts[i];
  }
}

void Set(const std::string& name, const RuleTotals& totals, StatsReport::Rule& rule) {
  rule.set_rule(name);
  rule.set_connections_total(totals.connections_total);
  rule.set_connections(totals.connections);
  rule.set_received_bytes_total(totals.received_bytes);
  rule.set_sent_bytes_total(totals.sent_bytes);
  SetByReason<RefuseReason>(totals.refused, *rule.mutable_refused_total());
  SetByReason<CloseReason>(totals.closed, *rule.mutable_closed_total());
  rule.set_retries_total(totals.retries);
  rule.set_queued(totals.queued);
  rule.set_queued_total(totals.queued_total);
  rule.set_would_refuse_total(totals.would_refuse);
  rule.set_handshakes_total(totals.handshakes_total);
  rule.set_resumed_handshakes_total(totals.resumed_handshakes_total);
  rule.set_handshakes(totals.handshakes);
  SetByReason<HandshakeFailure>(totals.handshake_failures,
                                *rule.mutable_handshake_failures_total());
  for (const auto& [route, count] : totals.sni) (*rule.mutable_sni_total())[route] = count;
  rule.set_panic(totals.panic);
  rule.set_no_backend_total(totals.refused[static_cast<size_t>(RefuseReason::kNoBackend)]);
}

void SetEjection(const BackendTotals& totals, Instant now, StatsReport::Ejection& ejection) {
  ejection.set_reason(ToString(totals.ejection_reason));
  ejection.set_failures(totals.ejection_failures);
  const Duration left = std::max<Duration>(totals.ejected_until - now, Duration::zero());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
  ejection.mutable_returns_in()->set_seconds(seconds.count());
  ejection.mutable_returns_in()->set_nanos(static_cast<int32_t>((left - seconds).count()));
}

void Set(const BackendKey& key, const BackendTotals& totals, Instant now,
         StatsReport::Backend& backend) {
  backend.set_rule(key.rule);
  backend.set_backend(key.backend);
  backend.set_connects_total(totals.connects_total);
  backend.set_connections(totals.connections);
  SetByReason<ConnectFailure>(totals.connect_failures, *backend.mutable_connect_failures_total());
  backend.set_sent_bytes_total(totals.sent_bytes);
  backend.set_received_bytes_total(totals.received_bytes);
  backend.set_ejections_total(totals.ejections);
  backend.set_drain_closed_total(totals.drain_closed);
  backend.set_handshakes_total(totals.handshakes_total);
  backend.set_resumed_handshakes_total(totals.resumed_handshakes_total);
  if (totals.ejected) SetEjection(totals, now, *backend.mutable_ejection());
}

// Says which connects failed since the last report; takes each line from `lines_left`.
void LogFailures(const BackendKey& key, const BackendTotals& before, const BackendTotals& now,
                 int& lines_left) {
  for (size_t i = 0; i < now.connect_failures.size(); ++i) {
    // Less: it was removed, and is there anew.
    if (now.connect_failures[i] <= before.connect_failures[i] || lines_left == 0) continue;
    --lines_left;
    Log(LogLevel::kDebug, "connects to a backend failed",
        {{"rule", key.rule},
         {"backend", key.backend},
         {"reason", ToString(static_cast<ConnectFailure>(i))},
         {"count", absl::StrCat(now.connect_failures[i] - before.connect_failures[i])}});
  }
}

// Rules of which backends are used that are not usable.
std::set<std::string> InPanicNow(const Tables* tables, Instant now) {
  std::set<std::string> names;
  if (tables == nullptr) return names;
  for (const auto& rule : tables->rules)
    if (rule->balance.panic_threshold_ratio > 0 && InPanic(*rule, now)) names.insert(rule->name);
  return names;
}

// True when `totals` of `key` are news; remembers them in `next` either way.
template <typename Key, typename Totals>
bool Changed(const std::map<Key, Totals>& told, const Key& key, const Totals& totals,
             std::map<Key, Totals>& next) {
  next.emplace(key, totals);
  const auto before = told.find(key);
  return before == told.end() || before->second != totals;
}

}  // namespace

std::vector<ConnectRequest> StatsLane::Report(const Facts& facts, Instant now) {
  std::vector<ConnectRequest> reports;
  std::map<std::string, RuleTotals> rules;
  std::map<BackendKey, BackendTotals> backends;
  int lines_left = kMaxLogLines;
  const std::set<std::string> panicking = InPanicNow(facts.tables, now);
  for (const auto& state : registry_.rules()) {
    RuleTotals totals = Total(*state);
    totals.panic = panicking.contains(state->name);
    if (!Changed(rules_, state->name, totals, rules)) continue;
    Set(state->name, totals, *Room(facts, 1 + totals.sni.size(), reports).add_rules());
  }
  for (const auto& state : registry_.backends()) {
    const BackendTotals totals = Total(*state);
    const BackendKey key{state->rule, state->name};
    if (!Changed(backends_, key, totals, backends)) continue;
    if (const auto before = backends_.find(key); before != backends_.end())
      LogFailures(key, before->second, totals, lines_left);
    Set(key, totals, now, *Room(facts, 1, reports).add_backends());
  }
  if (reports.empty()) Room(facts, 0, reports);
  rules_ = std::move(rules);
  backends_ = std::move(backends);
  return reports;
}

StatsReport& StatsLane::Room(const Facts& facts, size_t entries,
                             std::vector<ConnectRequest>& reports) {
  if (!reports.empty()) {
    StatsReport& last = *reports.back().mutable_stats();
    if (entries_ + entries <= kMaxEntries) {
      entries_ += entries;
      return last;
    }
    last.set_more(true);
  }
  entries_ = entries;
  StatsReport& report = *reports.emplace_back().mutable_stats();
  report.set_seq(++seq_);
  report.set_connections(facts.connections);
  report.set_access_log_error(facts.access_log_error);
  return report;
}

}  // namespace lb::dataplane
