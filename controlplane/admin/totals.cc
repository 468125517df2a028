#include "controlplane/admin/totals.h"

#include <iterator>

#include "base/utf8.h"

namespace lb::controlplane {
namespace {

template <typename Map>
uint64_t SumOf(const Map& by_reason) {
  uint64_t sum = 0;  // Order does not matter to a sum.
  for (const auto& [reason, count] : by_reason) sum += count;
  return sum;
}

template <typename Map>
uint64_t CountOf(const Map& by_reason, const char* reason) {
  const auto found = by_reason.find(reason);
  return found == by_reason.end() ? 0 : found->second;
}

// The first labels, by name, that are not too long.
template <typename Map>
std::map<std::string, uint64_t> Labelled(const Map& counts) {
  std::map<std::string, uint64_t> out;  // Whatever order a map of a message has.
  for (const auto& [label, count] : counts) {
    if (label.size() <= Totals::kMaxNameBytes) out.emplace(label, count);
    if (out.size() > Totals::kMaxLabels) out.erase(std::prev(out.end()));
  }
  return out;
}

RuleTotals FromReport(const worker::v1::StatsReport::Rule& rule) {
  return {.connections = rule.connections(),
          .connections_total = rule.connections_total(),
          .received_bytes_total = rule.received_bytes_total(),
          .sent_bytes_total = rule.sent_bytes_total(),
          .refused_total = SumOf(rule.refused_total()),
          .retries_total = rule.retries_total(),
          .queued = rule.queued(),
          .queued_total = rule.queued_total(),
          .rate_limited_total = CountOf(rule.refused_total(), "rate_limit"),
          .client_limited_total = CountOf(rule.refused_total(), "client_limit"),
          .rule_limited_total = CountOf(rule.refused_total(), "rule_limit"),
          .backend_limited_total = CountOf(rule.refused_total(), "backend_limit") +
                                   CountOf(rule.refused_total(), "queue_full") +
                                   CountOf(rule.refused_total(), "queue_timeout"),
          .would_refuse_total = rule.would_refuse_total(),
          .workers_in_panic = rule.panic() ? 1u : 0u,
          .cert_limited_total = CountOf(rule.refused_total(), "client_cert_rate"),
          .handshakes_total = rule.handshakes_total(),
          .resumed_handshakes_total = rule.resumed_handshakes_total(),
          .handshake_failures_total = Labelled(rule.handshake_failures_total()),
          .sni_total = Labelled(rule.sni_total())};
}

BackendTotals FromReport(const worker::v1::StatsReport::Backend& backend) {
  return {.connections = backend.connections(),
          .connects_total = backend.connects_total(),
          .connect_failures_total = SumOf(backend.connect_failures_total()),
          .ejections_total = backend.ejections_total(),
          .drain_closed_total = backend.drain_closed_total(),
          .handshakes_total = backend.handshakes_total(),
          .resumed_handshakes_total = backend.resumed_handshakes_total()};
}

void Add(const RuleTotals& from, RuleTotals& to) {
  to.connections += from.connections;
  to.connections_total += from.connections_total;
  to.received_bytes_total += from.received_bytes_total;
  to.sent_bytes_total += from.sent_bytes_total;
  to.refused_total += from.refused_total;
  to.retries_total += from.retries_total;
  to.queued += from.queued;
  to.queued_total += from.queued_total;
  to.rate_limited_total += from.rate_limited_total;
  to.client_limited_total += from.client_limited_total;
  to.rule_limited_total += from.rule_limited_total;
  to.backend_limited_total += from.backend_limited_total;
  to.would_refuse_total += from.would_refuse_total;
  to.workers_in_panic += from.workers_in_panic;
  to.cert_limited_total += from.cert_limited_total;
  to.handshakes_total += from.handshakes_total;
  to.resumed_handshakes_total += from.resumed_handshakes_total;
  for (const auto& [reason, count] : from.handshake_failures_total)
    to.handshake_failures_total[reason] += count;
  for (const auto& [route, count] : from.sni_total) to.sni_total[route] += count;
}

void Add(const BackendTotals& from, BackendTotals& to) {
  to.connections += from.connections;
  to.connects_total += from.connects_total;
  to.connect_failures_total += from.connect_failures_total;
  to.ejections_total += from.ejections_total;
  to.drain_closed_total += from.drain_closed_total;
  to.handshakes_total += from.handshakes_total;
  to.resumed_handshakes_total += from.resumed_handshakes_total;
}

}  // namespace

void Totals::Report(const WorkerKey& worker, const worker::v1::StatsReport& report) {
  Worker& to = workers_[worker];
  to.connections = report.connections();
  to.access_log_error = CutUtf8(report.access_log_error(), kMaxErrorBytes);
  for (const worker::v1::StatsReport::Rule& rule : report.rules()) {
    if (rule.rule().size() > kMaxNameBytes) continue;
    if (to.rules.size() < kMaxEntries || to.rules.contains(rule.rule()))
      to.rules[rule.rule()] = FromReport(rule);
  }
  for (const worker::v1::StatsReport::Backend& backend : report.backends()) {
    if (backend.rule().size() > kMaxNameBytes || backend.backend().size() > kMaxNameBytes) continue;
    const BackendKey key{backend.rule(), backend.backend()};
    if (to.backends.size() < kMaxEntries || to.backends.contains(key))
      to.backends[key] = FromReport(backend);
  }
}

void Totals::NoteOpen(const WorkerKey& worker, uint64_t connections) {
  if (connections == 0) return Disconnect(worker);
  if (const auto it = workers_.find(worker); it != workers_.end())
    it->second.connections = connections;
}

void Totals::Disconnect(const WorkerKey& worker) {
  const auto it = workers_.find(worker);
  if (it == workers_.end()) return;
  it->second.connections = 0;
  it->second.access_log_error.clear();
  for (auto& [name, rule] : it->second.rules) {
    rule.connections = rule.queued = 0;
    rule.workers_in_panic = 0;
  }
  for (auto& [key, backend] : it->second.backends) backend.connections = 0;
}

void Totals::Forget(const WorkerKey& worker) {
  Disconnect(worker);
  const auto it = workers_.find(worker);
  if (it == workers_.end()) return;
  for (const auto& [name, rule] : it->second.rules) Add(rule, base_rules_[name]);
  for (const auto& [key, backend] : it->second.backends) Add(backend, base_backends_[key]);
  workers_.erase(it);
}

void Totals::Keep(const LiveRules& rules) {
  const auto gone = [&](const auto& entry) {
    const LiveRule* rule = FindRule(rules, entry.first.rule);
    return rule == nullptr || FindBackend(*rule, entry.first.backend) == nullptr;
  };
  std::erase_if(base_rules_, [&](const auto& entry) {
    if (FindRule(rules, entry.first) != nullptr) return false;
    retired_connections_total_ += entry.second.connections_total;
    return true;
  });
  std::erase_if(base_backends_, gone);
  // The addresses of a DNS name can change for ever; what comes back is reported with its totals.
  for (auto& [key, worker] : workers_) std::erase_if(worker.backends, gone);
}

RuleTotals Totals::OfRule(const std::string& rule) const {
  RuleTotals sum;
  if (const auto base = base_rules_.find(rule); base != base_rules_.end()) Add(base->second, sum);
  for (const auto& [key, worker] : workers_)
    if (const auto it = worker.rules.find(rule); it != worker.rules.end()) Add(it->second, sum);
  return sum;
}

BackendTotals Totals::OfBackend(const BackendKey& backend) const {
  BackendTotals sum;
  if (const auto base = base_backends_.find(backend); base != base_backends_.end())
    Add(base->second, sum);
  for (const auto& [key, worker] : workers_)
    if (const auto it = worker.backends.find(backend); it != worker.backends.end())
      Add(it->second, sum);
  return sum;
}

WorkerTotals Totals::OfWorker(const WorkerKey& worker) const {
  WorkerTotals sum;
  const auto it = workers_.find(worker);
  if (it == workers_.end()) return sum;
  sum.connections = it->second.connections;
  for (const auto& [name, rule] : it->second.rules) sum.connections_total += rule.connections_total;
  return sum;
}

std::map<WorkerKey, std::map<BackendKey, BackendTotals>> Totals::BackendsByWorker() const {
  std::map<WorkerKey, std::map<BackendKey, BackendTotals>> all;
  for (const auto& [key, worker] : workers_) all.emplace(key, worker.backends);
  return all;
}

std::map<WorkerKey, std::string> Totals::AccessLogErrors() const {
  std::map<WorkerKey, std::string> all;
  for (const auto& [key, worker] : workers_)
    if (!worker.access_log_error.empty()) all.emplace(key, worker.access_log_error);
  return all;
}

WorkerTotals Totals::Overall() const {
  WorkerTotals sum;
  sum.connections_total = retired_connections_total_;
  for (const auto& [name, rule] : base_rules_) sum.connections_total += rule.connections_total;
  for (const auto& [key, worker] : workers_) {
    const WorkerTotals one = OfWorker(key);
    sum.connections += one.connections;
    sum.connections_total += one.connections_total;
  }
  return sum;
}

}  // namespace lb::controlplane
