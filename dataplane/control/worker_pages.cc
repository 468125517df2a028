#include "dataplane/control/worker_pages.h"

#include <chrono>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/metrics.h"
#include "dataplane/control/metrics_page.h"

namespace lb::dataplane {
namespace {

// An I/O thread answers between two events, far below this even on a busy machine.
constexpr std::chrono::milliseconds kLiveWithin{1'000};

HttpReply Text(int status, std::string line) {
  return {status, "text/plain; charset=utf-8", absl::StrCat(line, "\n")};
}

std::string Count(uint64_t connections) {
  return absl::StrCat(connections, connections == 1 ? " connection" : " connections");
}

}  // namespace

HttpReply WorkerPages::Page(const std::string& path, const State& state, Instant now) const {
  if (path == "/livez") return Liveness();
  if (path == "/readyz") return Readiness(state);
  if (path == "/metrics") return Metrics(state, now);
  return Text(404, "pages: /livez /readyz /metrics");
}

std::string WorkerPages::Status(const State& state) const {
  if (config_.running() && !drainer_.draining() && !state.ending)
    return absl::StrCat("version ", config_.running()->revision(), ", ",
                        Count(forwarder_.connections()));
  return std::string(absl::StripSuffix(Readiness(state).body, "\n"));
}

HttpReply WorkerPages::Liveness() const {
  if (forwarder_.Alive(kLiveWithin)) return Text(200, "ok");
  return Text(503, "an I/O thread does not answer");
}

HttpReply WorkerPages::Readiness(const State& state) const {
  if (drainer_.aside())
    return Text(503, "another process of this id serves in the place of this one");
  if (state.ending && !drainer_.draining()) return Text(503, "about to drain");
  if (drainer_.draining())
    return Text(503, absl::StrCat("draining: ", Count(forwarder_.connections())));
  if (!config_.running()) {
    if (!config_.refusal().empty())
      return Text(503, absl::StrCat("no configuration yet: refused ", config_.refusal()));
    return Text(503, absl::StrCat("no configuration yet: ",
                                  state.connected ? "the control plane sent none"
                                                  : "the control plane is not reached"));
  }
  if (state.restored)
    return Text(200, "ok: as a process before this one ran; the control plane is not reached");
  return Text(200, "ok");
}

HttpReply WorkerPages::Metrics(const State& state, Instant now) const {
  WorkerGauges gauges;
  gauges.now = now;
  gauges.connected = state.connected;
  gauges.reconnects_total = state.reconnects_total;
  gauges.draining = drainer_.draining();
  gauges.restored = state.restored;
  gauges.connections = forwarder_.connections();
  Forwarder::ThreadTotals totals = forwarder_.totals();
  gauges.thread_connections = std::move(totals.connections);
  gauges.accept_errors = std::move(totals.accept_errors);
  gauges.access_log_lines = totals.access_log_lines;
  gauges.access_log_dropped = totals.access_log_dropped;
  std::vector<MetricFamily> families = WorkerMetrics(registry_, config_, gauges);
  AppendProcessMetrics("lb-worker", families);
  return {200, "text/plain; version=0.0.4; charset=utf-8", RenderMetrics(families)};
}

}  // namespace lb::dataplane
