#include "controlplane/loop/drain_turn.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "controlplane/loop/connection_turn.h"

namespace lb::controlplane {
namespace {

constexpr uint32_t kCloseRatePerSecond = 500;  // Their clients come back to the other backends.

// What is counted of a backend, or of all addresses of a DNS name.
uint64_t Sum(uint64_t BackendTotals::*count, const LiveRules& live, const Totals& totals,
             const BackendKey& key) {
  const LiveRule* rule = FindRule(live, key.rule);
  if (rule == nullptr) return 0;
  uint64_t sum = 0;
  for (const LiveBackend& backend : rule->backends)
    if (backend.name == key.backend ||
        absl::StartsWith(backend.name, absl::StrCat(key.backend, "@")))
      sum += totals.OfBackend({key.rule, backend.name}).*count;
  return sum;
}

uint64_t CountOpen(const LiveRules& live, const Totals& totals, const BackendKey& key) {
  return Sum(&BackendTotals::connections, live, totals, key);
}

// What workers closed by themselves since the last turn.
void NoteClosed(BackendDrain& drain, const Parts& parts) {
  const uint64_t closed =
      Sum(&BackendTotals::drain_closed_total, parts.live, parts.totals, drain.backend);
  const uint64_t before = drain.closed_seen.value_or(closed);
  if (closed > before) drain.closed_by_workers += closed - before;
  drain.closed_seen = closed;
}

// "done", and how many did not end by themselves.
std::string DoneWords(uint64_t closed) {
  if (closed == 0) return "done";
  return absl::StrCat("done; ", closed, closed == 1 ? " connection" : " connections",
                      " closed in the drain_timeout");
}

void End(admin::v1::Operation& operation, absl::StatusCode code, const std::string& words) {
  operation.set_done(true);
  operation.set_status(words);
  if (code == absl::StatusCode::kOk) return;
  operation.set_error_code(static_cast<int32_t>(code));
  operation.set_error_message(words);
}

// Its time is over: closes the rest, or leaves it open and says so. True when the drain is over.
bool OnTimeout(const std::string& worker_backend, BackendDrain& drain,
               admin::v1::Operation& operation, Parts& parts, Turn& turn) {
  if (drain.close_at_timeout) {
    worker::v1::ConnectionFilter filter;
    filter.set_rule(drain.backend.rule);
    filter.set_backend(worker_backend);
    drain.kill = StartKill(filter, kCloseRatePerSecond, operation.target(), "", parts, turn);
    operation.set_status("the time is over; closing the rest");
    return false;
  }
  End(operation, absl::StatusCode::kDeadlineExceeded,
      absl::StrCat(operation.connections_left(),
                   " connections are still open at the timeout; the backend stays drained"));
  return true;
}

void EmitEnd(const admin::v1::Operation& operation, Turn& turn) {
  const bool well = operation.error_code() == 0;
  turn.Emit("backend.drained", operation.target(), well ? LogLevel::kInfo : LogLevel::kWarn,
            absl::StrCat(well ? "drain of a backend: " : "drain of a backend failed: ",
                         operation.status()),
            {{"operation", operation.name()},
             {"connections_left", absl::StrCat(operation.connections_left())},
             {"connections_closed", absl::StrCat(operation.connections_closed())}});
}

// True when the drain is over.
bool Step(BackendDrain& drain, admin::v1::Operation& operation, Parts& parts, Turn& turn) {
  const bool waits = drain.wait_for_workers_until && turn.now < *drain.wait_for_workers_until;
  if (!waits) drain.wait_for_workers_until.reset();
  if (!waits) NoteClosed(drain, parts);  // Before, workers that come back tell of what is past.
  operation.set_connections_closed(drain.closed_by_workers);
  std::erase_if(drain.unsure, [&](const WorkerKey& key) {
    const WorkerRecord* record = parts.workers.Find(key);
    return record == nullptr || (!record->session && !waits);
  });
  operation.set_connections_left(CountOpen(parts.live, parts.totals, drain.backend));
  if (drain.kill) {
    const admin::v1::Operation* kill = parts.operations.Edit(*drain.kill);
    if (kill == nullptr || !kill->done()) return kill == nullptr;
    operation.set_connections_closed(drain.closed_by_workers + kill->connections_closed());
    if (kill->error_code() == static_cast<int32_t>(absl::StatusCode::kCancelled)) {
      End(operation, absl::StatusCode::kAborted,
          "closing the rest was cancelled; the backend stays drained");
      return true;
    }
    if (kill->error_code() != 0) {
      End(operation, static_cast<absl::StatusCode>(kill->error_code()), kill->error_message());
      return true;
    }
    operation.set_connections_left(0);
    End(operation, absl::StatusCode::kOk,
        absl::StrCat("done; ", kill->connections_closed(), " connections closed at the timeout"));
    return true;
  }
  if (operation.connections_left() == 0 && drain.unsure.empty()) {
    End(operation, absl::StatusCode::kOk, DoneWords(drain.closed_by_workers));
    return true;
  }
  operation.set_status(absl::StrCat(operation.connections_left(), " connections left"));
  if (turn.now < drain.deadline || (waits && !drain.unsure.empty())) return false;
  return OnTimeout(drain.backend.backend, drain, operation, parts, turn);
}

}  // namespace

admin::v1::Operation StartBackendDrain(const BackendKey& backend, const std::string& name,
                                       Duration timeout, bool close_at_timeout, Override before,
                                       Parts& parts, Turn& turn) {
  std::optional<Override> before_all = std::move(before);
  for (const auto& [older, drain] : parts.drains)
    if (drain.backend == backend) before_all = drain.before;
  EndBackendDrains(backend, "the backend was drained anew", parts);
  const uint64_t open = CountOpen(parts.live, parts.totals, backend);
  const uint64_t number =
      parts.operations.Open(kDrainBackend, name, open, absl::StrCat(open, " connections left"));
  BackendDrain& drain = parts.drains[number];
  drain = {
      .backend = backend,
      .deadline = turn.now + timeout,
      .close_at_timeout = close_at_timeout,
      .unsure = {},
      .closed_seen = Sum(&BackendTotals::drain_closed_total, parts.live, parts.totals, backend),
      .before = std::move(before_all)};
  for (const auto& [session, key] : parts.workers.sessions()) drain.unsure.insert(key);
  return *parts.operations.Edit(number);
}

admin::v1::Operation PlannedDrain(const View& view, const BackendKey& backend,
                                  const std::string& name) {
  admin::v1::Operation operation;
  operation.set_done(true);
  operation.set_kind(kDrainBackend);
  operation.set_target(name);
  operation.set_connections_left(CountOpen(view.live, view.totals, backend));
  operation.set_status(absl::StrCat("would drain ", operation.connections_left(), " connections"));
  return operation;
}

void EndBackendDrains(const BackendKey& backend, const std::string& why, Parts& parts) {
  std::erase_if(parts.drains, [&](const auto& entry) {
    if (entry.second.backend != backend) return false;
    if (admin::v1::Operation* operation = parts.operations.Edit(entry.first))
      End(*operation, absl::StatusCode::kAborted, why);
    return true;
  });
}

void NoteCounted(const WorkerKey& worker, Parts& parts) {
  if (parts.drains.empty() || !parts.versions.has_content()) return;
  if (!parts.workers.At(worker).lane.Runs(parts.versions.current())) return;
  for (auto& [number, drain] : parts.drains) drain.unsure.erase(worker);
}

void StepBackendDrains(Parts& parts, Turn& turn) {
  for (auto it = parts.drains.begin(); it != parts.drains.end();) {
    admin::v1::Operation* operation = parts.operations.Edit(it->first);
    const bool over =
        operation == nullptr || operation->done() || Step(it->second, *operation, parts, turn);
    if (over) parts.operations.NoteChanged();
    if (over && operation != nullptr) EmitEnd(*operation, turn);
    it = over ? parts.drains.erase(it) : std::next(it);
  }
}

Instant NextDrainDeadline(const Parts& parts) {
  Instant next = Instant::max();
  for (const auto& [number, drain] : parts.drains) {
    if (drain.kill) continue;
    const bool waits = drain.wait_for_workers_until && !drain.unsure.empty();
    next = std::min(next, waits ? *drain.wait_for_workers_until : drain.deadline);
  }
  return next;
}

}  // namespace lb::controlplane
