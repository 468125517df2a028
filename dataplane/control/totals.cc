#include "dataplane/control/totals.h"

namespace lb::dataplane {
namespace {

template <size_t kSize>
void AddTo(std::array<uint64_t, kSize>& sums, const std::array<Counter, kSize>& counters) {
  for (size_t i = 0; i < kSize; ++i) sums[i] += counters[i].Read();
}

}  // namespace

RuleTotals Total(const RuleState& state) {
  RuleTotals sum;
  for (const RuleCounters& thread : state.counters) {
    sum.connections_total += thread.connections_total.Read();
    sum.connections += thread.connections.Read();
    sum.received_bytes += thread.received_bytes.Read();
    sum.sent_bytes += thread.sent_bytes.Read();
    sum.retries += thread.retries.Read();
    sum.queued_total += thread.queued_total.Read();
    sum.queued += thread.queued.Read();
    sum.would_refuse += thread.would_refuse.Read();
    sum.handshakes_total += thread.handshakes_total.Read();
    sum.resumed_handshakes_total += thread.resumed_handshakes_total.Read();
    sum.handshakes += thread.handshakes.Read();
    AddTo(sum.handshake_failures, thread.handshake_failures);
    AddTo(sum.refused, thread.refused);
    AddTo(sum.closed, thread.closed);
  }
  for (const auto& route : state.routes.all()) {
    uint64_t& count = sum.sni[route->name];
    for (const RouteCounters& thread : route->counters) count += thread.connections_total.Read();
  }
  return sum;
}

BackendTotals Total(const BackendState& state) {
  BackendTotals sum;
  for (const BackendCounters& thread : state.counters) {
    sum.connects_total += thread.connects_total.Read();
    sum.connections += thread.connections.Read();
    sum.sent_bytes += thread.sent_bytes.Read();
    sum.received_bytes += thread.received_bytes.Read();
    sum.ports_exhausted += thread.ports_exhausted.Read();
    sum.handshakes_total += thread.handshakes_total.Read();
    sum.resumed_handshakes_total += thread.resumed_handshakes_total.Read();
    AddTo(sum.connect_failures, thread.connect_failures);
  }
  sum.drain_closed = state.drain_closed.load();
  const OutlierState& outlier = state.outlier;
  sum.ejections = outlier.ejections.load();
  sum.ejected = outlier.out.load();
  sum.ejected_until = outlier.ejected_until.load();
  sum.ejection_reason = outlier.reason.load();
  sum.ejection_failures = outlier.failures_at_ejection.load();
  return sum;
}

}  // namespace lb::dataplane
