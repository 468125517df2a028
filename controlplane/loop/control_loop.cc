#include "controlplane/loop/control_loop.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "base/overloaded.h"
#include "controlplane/admin/metrics.h"
#include "controlplane/admin/rule_answers.h"
#include "controlplane/loop/admin_turn.h"
#include "controlplane/loop/audit_turn.h"
#include "controlplane/loop/certificate_turn.h"
#include "controlplane/loop/change_event.h"
#include "controlplane/loop/client_turn.h"
#include "controlplane/loop/cluster_turn.h"
#include "controlplane/loop/config_change_turn.h"
#include "controlplane/loop/config_turn.h"
#include "controlplane/loop/confirmation_turn.h"
#include "controlplane/loop/connection_turn.h"
#include "controlplane/loop/discovery_turn.h"
#include "controlplane/loop/drain_turn.h"
#include "controlplane/loop/event_turn.h"
#include "controlplane/loop/last_good_turn.h"
#include "controlplane/loop/log_turn.h"
#include "controlplane/loop/operation_turn.h"
#include "controlplane/loop/outlier_turn.h"
#include "controlplane/loop/parts.h"
#include "controlplane/loop/repeat_turn.h"
#include "controlplane/loop/resource_turn.h"
#include "controlplane/loop/rollout_turn.h"
#include "controlplane/loop/stored_state.h"
#include "controlplane/loop/ticket_turn.h"
#include "controlplane/loop/usage_turn.h"
#include "controlplane/loop/worker_turn.h"
#include "controlplane/stream/health_messages.h"

namespace lb::controlplane {
namespace {

// Between two writes of the state file that are not urgent: a worker that asks for slots all the
// time must not make the disk busy.
constexpr std::chrono::milliseconds kSaveInterval{200};

}  // namespace

class ControlLoop::Impl final {
 public:
  Impl(Options options, Turn& turn) : parts_(Restore(options, turn)) {
    parts_->tickets.emplace(std::move(options.ticket_seed), turn.now);
    turn.dirty = turn.urgent = true;
    Finish(turn);
  }

  void Handle(const Event& event, Turn& turn) {
    LookBeforeTurn(*parts_);
    // Long with many members: made only for who looks at it.
    if (std::holds_alternative<AdminRequest>(event)) LookAtCluster(turn.now);
    std::visit(Overloaded{
                   [&](const ConfigRead& e) { OnConfigRead(e, *parts_, turn); },
                   [&](const WorkerMessage& e) { OnWorkerMessage(e, *parts_, turn); },
                   [&](const WorkerStreamEnded& e) { OnWorkerStreamEnded(e, *parts_, turn); },
                   [&](const ProcessGone& e) { OnProcessGone(e, *parts_, turn); },
                   [&](const ProbeDone& e) { OnProbeDone(e, turn); },
                   [&](const Resolved& e) { OnResolved(e, *parts_, turn); },
                   [&](const ServiceFound& e) { OnServiceFound(e, *parts_, turn); },
                   [&](const ServiceLost& e) { OnServiceLost(e, *parts_, turn); },
                   [&](const ConfigTried& e) { OnConfigTried(e, *parts_, turn); },
                   [&](const AdminRequest& e) { OnAdminRequest(e, *parts_, turn); },
                   [&](const AdminCallEnded& e) { OnAdminCallEnded(e, *parts_, turn); },
                   [&](const GossipIn& e) { OnGossip(e, *parts_, turn); },
                   [&](const Stopping&) { OnStopping(*parts_, turn); },
                   [](const TimerFired&) {},
               },
               event);
    Finish(turn);
  }

  Instant NextDeadline() const {
    Instant next = std::min(parts_->resolver.NextDeadline(), parts_->health.NextDeadline());
    next = std::min({next, NextSilence(*parts_), parts_->rates.NextDeadline(),
                     parts_->client_slots.NextDeadline()});
    next =
        std::min({next, NextConfirmation(*parts_), NextWaiter(*parts_), NextResourceLook(*parts_)});
    next = std::min({next, NextDrainDeadline(*parts_), NextConnectionDeadline(*parts_),
                     NextLogDeadline(*parts_), NextClientDeadline(*parts_),
                     parts_->overrides.NextDeadline(), parts_->outliers.NextDeadline(),
                     parts_->ledger.NextDeadline(), NextCertificateDeadline(*parts_),
                     NextTicketDeadline(*parts_)});
    next = std::min(next, NextClusterDeadline(*parts_));
    if (parts_->wait_for_names_until) next = std::min(next, *parts_->wait_for_names_until);
    for (const auto& [session, key] : parts_->workers.sessions()) {
      const WorkerRecord& record = *parts_->workers.Find(key);
      next = std::min(next, record.lane.NextDeadline());
      if (record.await_slots_until) next = std::min(next, *record.await_slots_until);
    }
    if (dirty_ || parts_->ledger.raise_waits()) next = std::min(next, MayRaiseAt());
    return next;
  }

  const Parts& parts() const { return *parts_; }

  void LookAtCluster(Instant now) { parts_->cluster_status = parts_->cluster->Status(now); }

 private:
  void OnProbeDone(const ProbeDone& event, Turn& turn) {
    const std::optional<BackendKey> turned = parts_->health.Done(event, turn.now);
    if (!turned) return;
    turn.health_changed.insert(*turned);
    turn.dirty = true;
    const bool up = parts_->health.StateOf(*turned) == type::v1::HEALTH_STATE_HEALTHY;
    turn.Emit(up ? "backend.up" : "backend.down", BackendName(turned->rule, turned->backend),
              up ? LogLevel::kInfo : LogLevel::kWarn, up ? "backend is up" : "backend is down",
              {{"rule", turned->rule}, {"backend", turned->backend}, {"check", event.detail}});
  }

  // Everything that any event can lead to, in the one order there is: health first, since it never
  // waits; rights before the snapshot that needs them; the state is handed to the disk before the
  // rights it must cover.
  void Finish(Turn& turn) {
    FindSilentWorkers(*parts_, turn);
    StepCluster(*parts_, turn);
    parts_->resolver.Run(turn.now, turn.actions);
    parts_->services.Run(turn.actions);
    Refresh(*parts_, turn);
    RunConfigChanges(*parts_, turn);
    parts_->health.Run(turn.now, turn.actions);
    SendHealth(turn);
    SaveAndGrant(turn);
    StepUsage(*parts_, turn);
    SendConfigChange(*parts_, turn);
    AskForLastGood(*parts_, turn);
    OfferSnapshots(turn);
    StepBackendDrains(*parts_, turn);
    StepConnectionOrders(*parts_, turn);
    StepOutliers(*parts_, turn);
    StepClientQuestions(*parts_, turn);
    StepLogLevels(*parts_, turn);
    StepCertificates(*parts_, turn);
    StepTickets(*parts_, turn);
    AnswerRepeats(*parts_, turn);
    DescribeChanges(*parts_, turn);
    AnswerWaiters(*parts_, turn);
    NoteAnsweredChanges(*parts_, turn);
    PublishEvents(*parts_, turn);
    SendResourceChanges(*parts_, turn);
    SendRollouts(*parts_, turn);
    dirty_ |= parts_->operations.TakeChanged();
  }

  void SendHealth(Turn& turn) {
    if (turn.health_changed.empty()) return;
    BackendStates states;
    for (const BackendKey& key : turn.health_changed)
      states.emplace_back(key, parts_->health.StateOf(key));
    const std::vector<worker::v1::ConnectResponse> messages = HealthChanges(states);
    for (const auto& [session, key] : parts_->workers.sessions())
      for (const worker::v1::ConnectResponse& message : messages) turn.Send(session, message);
  }

  void SaveAndGrant(Turn& turn) {
    // An operation that was answered is found again after a restart.
    if (parts_->operations.TakeChanged()) turn.dirty = turn.urgent = true;
    dirty_ |= turn.dirty;
    if (parts_->frozen_until && turn.now >= *parts_->frozen_until) {
      parts_->frozen_until.reset();
      dirty_ = true;
    }
    const bool may_save = turn.urgent || turn.now >= saved_at_ + kSaveInterval;
    // Who is not known may hold what the books call free, even what a known worker just gave up.
    const auto raise = parts_->frozen_until ? SlotPool::Raise::kNothing
                       : may_save           ? SlotPool::Raise::kAnything
                                            : SlotPool::Raise::kWhatIsStored;
    parts_->slots.Plan(parts_->ledger, turn.now);
    std::vector<SlotLedger::ToWorker> grants = parts_->ledger.Settle(raise, turn.now);
    // What is given away is on its way to the disk before others hear of it.
    if (may_save && !parts_->frozen_until) parts_->slots.Give(parts_->ledger);
    dirty_ |= parts_->ledger.TakeChanged();
    dirty_ |= parts_->slots.TakeChanged();
    if (dirty_ && may_save) Save(turn);
    for (SlotLedger::ToWorker& grant : grants)
      turn.Send(*parts_->workers.Find(grant.worker)->session, std::move(grant.message));
    for (const auto& [key, record] : parts_->workers.workers())
      parts_->rates.SetDraining(key, record.draining);
    parts_->bandwidths.SetWorkers(parts_->rates.workers(), parts_->rates.connected());
    parts_->bandwidths.SetCluster({.free_ratio = parts_->rates.free_ratio(),
                                   .even_ratio = parts_->rates.told().fallback_ratio,
                                   .has_others = parts_->rates.has_others()});
    for (BandwidthLedger::ToWorker& grant : parts_->bandwidths.Settle(turn.now))
      if (const auto* to = parts_->workers.Find(grant.worker); to != nullptr && to->session)
        turn.Send(*to->session, std::move(grant.message));
    const std::vector<WorkerKey> connected = parts_->rates.Connected();
    parts_->client_slots.SetWorkers(parts_->rates.workers(), {connected.begin(), connected.end()},
                                    turn.now);
    for (ClientSlotLedger::ToWorker& grant : parts_->client_slots.Settle(turn.now))
      if (const auto* to = parts_->workers.Find(grant.worker); to != nullptr && to->session)
        turn.Send(*to->session, std::move(grant.message));
    for (RateLedger::ToWorker& grant : parts_->rates.Settle(turn.now))
      turn.Send(*parts_->workers.Find(grant.worker)->session, std::move(grant.message));
  }

  void Save(Turn& turn) {
    dirty_ = false;
    std::string bytes = Store(*parts_);
    if (bytes == saved_) return;
    saved_at_ = turn.now;
    saved_ = bytes;
    turn.actions.push_back(SaveState{std::move(bytes)});
  }

  // A worker that listens without slots would refuse connections that another could serve.
  bool AwaitsSlots(const WorkerKey& key, WorkerRecord& record, Instant now) {
    if (!record.await_slots_until) return false;
    if (now < *record.await_slots_until && parts_->ledger.Starves(key)) return true;
    record.await_slots_until.reset();
    return false;
  }

  void OfferSnapshots(Turn& turn) {
    for (const auto& [session, key] : parts_->workers.sessions()) {
      WorkerRecord& record = parts_->workers.At(key);
      if (AwaitsSlots(key, record, turn.now) || !parts_->versions.has_content()) continue;
      const bool in_flight = record.lane.in_flight();
      for (worker::v1::ConnectResponse& message : record.lane.Next(parts_->versions, turn.now))
        turn.Send(session, std::move(message));
      if (record.lane.sends_last_good() && !in_flight)
        turn.Emit("worker.last_good", absl::StrCat("workers/", key.id), LogLevel::kWarn,
                  "worker runs nothing and refused the newest configuration; it gets the last good "
                  "one",
                  {{"worker", key.id}, {"revision", absl::StrCat(record.lane.sent()->revision())}});
      if (record.lane.Runs(parts_->versions.current())) parts_->ledger.Synced(key);
    }
  }

  Instant MayRaiseAt() const {
    const Instant save = saved_at_ + kSaveInterval;
    return dirty_ || !parts_->frozen_until ? save : std::max(save, *parts_->frozen_until);
  }

  std::unique_ptr<Parts> parts_;
  bool dirty_ = false;
  std::string saved_;
  Instant saved_at_;
};

ControlLoop::ControlLoop(Options options, Instant now, std::vector<Action>& actions) {
  Turn turn{.now = now, .actions = actions};
  impl_ = std::make_unique<Impl>(std::move(options), turn);
}

ControlLoop::~ControlLoop() = default;

void ControlLoop::Handle(const Event& event, Instant now, std::vector<Action>& actions) {
  Turn turn{.now = now, .actions = actions};
  impl_->Handle(event, turn);
}

Instant ControlLoop::NextDeadline() const { return impl_->NextDeadline(); }

bool ControlLoop::ready() const { return impl_->parts().in_force; }

std::string ControlLoop::Summary() const {
  const Parts& parts = impl_->parts();
  const size_t workers = parts.workers.sessions().size();
  const std::string connected = absl::StrCat(workers, workers == 1 ? " worker" : " workers");
  if (!parts.versions.has_content()) return absl::StrCat("no configuration yet, ", connected);
  const Revision* newest = parts.history.newest();
  return absl::StrCat("rev ", newest == nullptr ? 0 : newest->number, ", ", connected);
}

std::vector<MetricFamily> ControlLoop::Metrics(const ClockReading& clock) const {
  impl_->LookAtCluster(clock.steady);
  return DescribeMetrics(ViewOf(impl_->parts(), clock));
}

}  // namespace lb::controlplane
