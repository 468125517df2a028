#include "controlplane/loop/worker_turn.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "controlplane/loop/client_turn.h"
#include "controlplane/loop/confirmation_turn.h"
#include "controlplane/loop/connection_turn.h"
#include "controlplane/loop/drain_turn.h"
#include "controlplane/loop/last_good_turn.h"
#include "controlplane/loop/log_turn.h"
#include "controlplane/loop/outlier_turn.h"
#include "controlplane/loop/ticket_turn.h"
#include "controlplane/snapshot/features.h"
#include "controlplane/stream/health_messages.h"
#include "controlplane/stream/hello.h"

namespace lb::controlplane {
namespace {

std::string NameOf(const WorkerKey& key) { return absl::StrCat("workers/", key.id); }

using worker::v1::ConnectRequest;

// How often workers report statistics.
constexpr int64_t kStatsIntervalSeconds = 1;

// "bind_failed": as the worker's log and metrics say it. The API's names are upper case.
std::string NackReason(const worker::v1::Nack& nack) {
  const std::string name = worker::v1::Nack::Reason_Name(nack.reason());
  return absl::AsciiStrToLower(absl::StripPrefix(name, "REASON_"));
}

// Whether its end is no surprise: it said so, or was never heard here.
bool MayGo(const WorkerRecord& record) { return record.ending || record.hello_order == 0; }

std::set<WorkerKey> WhoMayGo(const Parts& parts) {
  std::set<WorkerKey> keys;
  for (const auto& [key, record] : parts.workers.workers())
    if (MayGo(record)) keys.insert(key);
  return keys;
}

void ForgetWorker(const WorkerKey& worker, bool expected, Parts& parts, Turn& turn) {
  parts.ledger.Forget(worker);
  parts.rates.Forget(worker);
  parts.bandwidths.Forget(worker);
  parts.client_slots.Forget(worker, turn.now);
  parts.totals.Forget(worker);
  ForgetOutliers(worker, parts, turn);
  parts.connect_watch.Forget(worker);
  parts.operations.Forget(worker);
  for (const char* of : {"", "/grpc"}) parts.log.erase(absl::StrCat("workers/", worker.id, of));
  turn.dirty = true;
  if (!expected) parts.workers.NoteLost(worker.id, turn.now);
  // One that drained before had said that it ends; any other was killed or crashed.
  turn.Emit("worker.gone", NameOf(worker), expected ? LogLevel::kInfo : LogLevel::kWarn,
            expected ? "worker process is gone" : "worker process is gone without a goodbye",
            {{"worker", worker.id}, {"incarnation", worker.incarnation}});
}

// Ends the part of a session that counts.
void Detach(SessionId session, Parts& parts, Turn& turn) {
  if (parts.workers.FindSession(session) == nullptr) return;
  const WorkerKey worker = parts.workers.KeyOf(session);
  parts.ledger.Disconnect(worker);
  parts.rates.Disconnect(worker);
  parts.client_slots.Disconnect(worker);
  parts.totals.Disconnect(worker);
  const bool expected = MayGo(parts.workers.At(worker));
  if (parts.workers.Disconnect(session)) ForgetWorker(worker, expected, parts, turn);
}

void Close(SessionId session, const absl::Status& status, Parts& parts, Turn& turn) {
  turn.Emit("worker.closed", "", LogLevel::kWarn, "worker stream closed",
            {{"session", absl::StrCat(session)}, {"status", status.ToString()}});
  Detach(session, parts, turn);
  parts.closing.insert(session);
  turn.actions.push_back(CloseSession{session, status});
}

worker::v1::ConnectResponse MakeWelcome(SessionId session, const Parts& parts) {
  worker::v1::ConnectResponse message;
  worker::v1::Welcome& welcome = *message.mutable_welcome();
  welcome.set_session_id(absl::StrCat(session));
  *welcome.mutable_control_plane() = parts.self;
  welcome.set_protocol(kProtocol);
  welcome.mutable_stats_interval()->set_seconds(kStatsIntervalSeconds);
  return message;
}

// What the worker knows, for a control plane that knows less.
void Learn(const worker::v1::Hello& hello, Parts& parts, Turn& turn) {
  for (const worker::v1::HealthEntry& entry : hello.health()) {
    const BackendKey key{entry.rule(), entry.backend()};
    if (parts.health.Remember(key, std::nullopt, entry.state(), turn.now))
      turn.health_changed.insert(key);
  }
  if (hello.has_running() && parts.versions.Observe(hello.running()))
    turn.dirty = turn.urgent = true;
}

// A process of another host has no pid here. Its end is not seen: it keeps its slots until the next
// process of its name says hello.
void WatchIfHere(const WorkerRecord& record, Turn& turn) {
  if (record.identity.pid() == 0) return;
  turn.actions.push_back(WatchProcess{record.identity.pid(), record.start_ticks});
}

// A process that has served already, and that neither the state file nor this life knows: the state
// is lost, and there may be more of them. Its version says nothing: after a lost state ours may be
// the very same.
void FreezeIfLost(const worker::v1::Hello& hello, bool known, Parts& parts, Turn& turn) {
  if (known || parts.frozen_until || (!hello.has_running() && hello.slots().empty())) return;
  parts.frozen_until = turn.now + Parts::kLostStateWait;
  turn.Emit("limits.frozen", "", LogLevel::kWarn,
            "an unknown worker has served already; no slots are added for a while",
            {{"worker", hello.worker().id()}});
}

bool TookOver(const WorkerRecord& record, const std::string& incarnation) {
  return std::find(record.took_over.begin(), record.took_over.end(), incarnation) !=
         record.took_over.end();
}

// What a known process gave up for this one is its own now. False: it took over from none.
bool Inherit(const worker::v1::Hello& hello, Parts& parts) {
  for (const std::string& incarnation : hello.took_over()) {
    const WorkerKey before{hello.worker().id(), incarnation};
    if (parts.workers.Find(before) == nullptr) continue;
    parts.ledger.Inherit(before, hello);
    return true;  // Those before that one had given up theirs for it.
  }
  return false;
}

void OnHello(const WorkerMessage& event, Parts& parts, Turn& turn) {
  const SessionId session = event.session;
  const worker::v1::Hello& hello = event.message.hello();
  if (absl::Status status = CheckHello(hello); !status.ok()) {
    Close(session, status, parts, turn);
    return;
  }
  bool known = parts.workers.Find({hello.worker().id(), hello.worker().incarnation()}) != nullptr;
  std::optional<SessionId> replaced;
  WorkerRecord* record = parts.workers.Connect(session, hello, turn.now, replaced);
  if (record == nullptr) {
    Close(session,
          absl::ResourceExhaustedError(
              absl::StrCat("more than ", WorkerTable::kMaxWorkers, " worker processes")),
          parts, turn);
    return;
  }
  known = known || Inherit(hello, parts);
  record->start_ticks = event.start_ticks;
  record->took_over.assign(hello.took_over().begin(), hello.took_over().end());
  if (replaced) {
    parts.closing.insert(*replaced);
    turn.actions.push_back(
        CloseSession{*replaced, absl::AbortedError("a newer stream of this process")});
  }
  const WorkerKey key = parts.workers.KeyOf(session);
  const std::set<WorkerKey> expected = WhoMayGo(parts);
  for (const WorkerKey& older : parts.workers.PidTaken(key))
    ForgetWorker(older, expected.contains(older), parts, turn);
  for (const auto& [other, other_key] : parts.workers.sessions()) {
    if (other == session || other_key.id != key.id || replaced == other) continue;
    const WorkerRecord& before = parts.workers.At(other_key);
    if (TookOver(before, key.incarnation)) continue;  // Told when that one came.
    if (TookOver(*record, other_key.incarnation)) {
      turn.Emit("worker.replaced", NameOf(key), LogLevel::kInfo,
                "a new process of the worker takes over",
                {{"worker", key.id}, {"pid", absl::StrCat(record->identity.pid())}});
      continue;
    }
    turn.Emit("worker.duplicate", NameOf(key), LogLevel::kWarn,
              "two workers have the same id; give each its own with --id",
              {{"worker", key.id},
               {"pid", absl::StrCat(record->identity.pid())},
               {"other_pid", absl::StrCat(before.identity.pid())}});
  }
  turn.Emit("worker.connected", NameOf(key), LogLevel::kInfo, "worker connected",
            {{"worker", key.id}, {"incarnation", key.incarnation}});
  WatchIfHere(*record, turn);
  turn.dirty = turn.urgent = true;
  Learn(hello, parts, turn);
  FreezeIfLost(hello, known, parts, turn);
  parts.ledger.Connect(key, hello, turn.now);
  parts.rates.Connect(key, parts.workers.At(key).Knows(kFeatureRateLimit), turn.now);
  turn.Send(session, MakeWelcome(session, parts));
  SendTicketKeys(session, parts, turn);
  for (worker::v1::ConnectResponse& part : CompleteHealth(parts.health.Known()))
    turn.Send(session, std::move(part));
  for (worker::v1::Command& order : parts.operations.Unfinished(key)) {
    // It may not have arrived yet, so that the hello knows nothing of it.
    parts.workers.At(key).draining = order.has_drain();
    parts.workers.At(key).drain_begun &= order.has_drain();
    worker::v1::ConnectResponse message;
    *message.mutable_command() = std::move(order);
    turn.Send(session, std::move(message));
  }
  ResendConnectionOrders(key, parts, turn);
  ResendLogLevels(key, parts, turn);
}

absl::Status OnNack(const worker::v1::Nack& nack, const WorkerKey& worker, Parts& parts,
                    Turn& turn) {
  WorkerRecord& record = parts.workers.At(worker);
  if (absl::Status status = record.lane.Nacked(nack, turn.now); !status.ok()) return status;
  LogFields fields{{"worker", worker.id}, {"reason", NackReason(nack)}};
  if (nack.problems_size() > 0) {
    fields.emplace_back("field", nack.problems(0).field());
    fields.emplace_back("problem", nack.problems(0).message());
  }
  turn.Emit("worker.refused", NameOf(worker), LogLevel::kError, "worker refused the configuration",
            std::move(fields));
  if (nack.has_running() && nack.running().epoch() <= Versions::kEpochMax)
    turn.dirty |= parts.versions.Observe(nack.running());
  return absl::OkStatus();
}

void OnDrainStatus(const worker::v1::DrainStatus& status, const WorkerKey& worker, Parts& parts,
                   Turn& turn) {
  WorkerRecord& record = parts.workers.At(worker);
  if (status.ending() && !std::exchange(record.ending, true)) {
    record.draining = true;
    turn.Emit("worker.ending", NameOf(worker), LogLevel::kInfo, "worker drains and ends",
              {{"worker", worker.id}});
  }
  const bool of_newest = parts.operations.Progress(status) || status.ending();
  if (!of_newest || !record.draining || !status.refused().empty()) return;
  record.drain_begun = true;
  record.drained = status.done();
  parts.totals.NoteOpen(worker, status.connections_left());
}

void OnStats(const worker::v1::StatsReport& stats, const WorkerKey& worker, Parts& parts,
             Turn& turn) {
  WorkerRecord& record = parts.workers.At(worker);
  parts.totals.Report(worker, stats);
  CountConnects(worker, stats, parts, turn);
  NoteOutliers(worker, stats, parts, turn);
  // Until the rest has come, some of what is known was counted earlier.
  if (stats.more()) return;
  record.counted = record.lane.running();
  record.drained = record.drain_begun && stats.connections() == 0;
  NoteCounted(worker, parts);
}

// Any message but the first.
absl::Status OnReport(const ConnectRequest& message, const WorkerKey& worker, Parts& parts,
                      Turn& turn) {
  WorkerRecord& record = parts.workers.At(worker);
  record.last_seen = turn.now;
  if (std::exchange(record.silent, false))
    turn.Emit("worker.speaks", NameOf(worker), LogLevel::kInfo, "worker speaks again",
              {{"worker", worker.id}});
  switch (message.message_case()) {
    case ConnectRequest::kAck:
      if (absl::Status status = record.lane.Acked(message.ack()); !status.ok()) return status;
      NoteRan(message.ack().version(), parts, turn);
      return absl::OkStatus();
    case ConnectRequest::kNack:
      return OnNack(message.nack(), worker, parts, turn);
    case ConnectRequest::kStats:
      OnStats(message.stats(), worker, parts, turn);
      return absl::OkStatus();
    case ConnectRequest::kSlots:
      return parts.ledger.Report(worker, message.slots(), turn.now);
    case ConnectRequest::kRates:
      parts.rates.Report(worker, message.rates(), turn.now);
      parts.bandwidths.Report(worker, message.rates(), turn.now);
      parts.client_slots.Report(worker, message.rates(), turn.now);
      return absl::OkStatus();
    case ConnectRequest::kDrain:
      OnDrainStatus(message.drain(), worker, parts, turn);
      return absl::OkStatus();
    case ConnectRequest::kConnections:
      OnConnectionList(message.connections(), worker, parts, turn);
      return absl::OkStatus();
    case ConnectRequest::kClients:
      OnClientReport(message.clients(), worker, parts, turn);
      return absl::OkStatus();
    case ConnectRequest::kKill:
      OnKillStatus(message.kill(), worker, parts);
      return absl::OkStatus();
    case ConnectRequest::kHello:
      return absl::InvalidArgumentError("a second hello");
    case ConnectRequest::MESSAGE_NOT_SET:
      return absl::InvalidArgumentError("an empty or unknown message");
  }
  return absl::InvalidArgumentError("an unknown message");
}

}  // namespace

void OnWorkerMessage(const WorkerMessage& event, Parts& parts, Turn& turn) {
  if (parts.closing.contains(event.session)) return;
  if (parts.workers.FindSession(event.session) == nullptr) {
    if (event.message.has_hello()) {
      OnHello(event, parts, turn);
    } else {
      Close(event.session, absl::InvalidArgumentError("the first message is not a hello"), parts,
            turn);
    }
    return;
  }
  const WorkerKey worker = parts.workers.KeyOf(event.session);
  if (absl::Status status = OnReport(event.message, worker, parts, turn); !status.ok())
    Close(event.session, status, parts, turn);
}

void OnWorkerStreamEnded(const WorkerStreamEnded& event, Parts& parts, Turn& turn) {
  if (parts.closing.erase(event.session) > 0) return;
  if (parts.workers.FindSession(event.session) == nullptr) return;
  const WorkerKey& worker = parts.workers.KeyOf(event.session);
  turn.Emit("worker.disconnected", NameOf(worker), LogLevel::kInfo, "worker disconnected",
            {{"worker", worker.id}});
  Detach(event.session, parts, turn);
}

void FindSilentWorkers(Parts& parts, Turn& turn) {
  for (const auto& [session, key] : parts.workers.sessions()) {
    WorkerRecord& record = parts.workers.At(key);
    if (record.silent || turn.now < record.last_seen + WorkerTable::kSilentAfter) continue;
    record.silent = true;
    turn.Emit("worker.silent", NameOf(key), LogLevel::kWarn,
              "worker is silent; it hangs or is stopped",
              {{"worker", key.id},
               {"pid", absl::StrCat(record.identity.pid())},
               {"silent_s", absl::StrCat(WorkerTable::kSilentAfter.count())}});
  }
}

Instant NextSilence(const Parts& parts) {
  Instant next = Instant::max();
  for (const auto& [session, key] : parts.workers.sessions()) {
    const WorkerRecord& record = *parts.workers.Find(key);
    if (!record.silent) next = std::min(next, record.last_seen + WorkerTable::kSilentAfter);
  }
  return next;
}

void OnProcessGone(const ProcessGone& event, Parts& parts, Turn& turn) {
  const std::set<WorkerKey> expected = WhoMayGo(parts);
  for (const WorkerKey& worker : parts.workers.ProcessGone(event.pid, event.start_ticks))
    ForgetWorker(worker, expected.contains(worker), parts, turn);
}

}  // namespace lb::controlplane
