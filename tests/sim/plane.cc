// The control plane's side of the simulator: a shell that carries actions out in virtual time.
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "controlplane/snapshot/live_rules.h"
#include "tests/sim/simulator.h"

namespace lb::sim {

using namespace controlplane;  // NOLINT: the whole file is about its actions.

void Simulator::StartPlane(bool keep_state) {
  if (plane_ != nullptr) return;
  ++life_;
  // A damaged file tells that there was one; a missing one is like a first start.
  const bool damaged = !keep_state && !stored_.empty() && prng_.Chance(1, 2);
  if (!keep_state) {
    relaxed_ = !stored_.empty() && !damaged;
    untold_ = relaxed_;
    stored_.clear();
  }
  greeted_.clear();
  std::vector<Action> actions;
  plane_ = std::make_unique<ControlLoop>(
      ControlLoop::Options{.node_id = "node",
                           .incarnation = absl::StrCat("life-", life_),
                           .pid = 1,
                           .start_time = WallTime{},
                           .seed = prng_.Next(),
                           .boot_id = "boot",
                           .stored_state = stored_,
                           .state_damaged = damaged},
      queue_.now(), actions);
  Carry(std::move(actions));
  // The newest file on disk may be bad: then the plane starts without a configuration.
  if (faulty_ && prng_.Chance(1, 8)) return LoadBadFile();
  if (!config_) config_ = world_.RandomConfig();
  NoteLimits();
  Handle(ConfigRead{.path = "lb.yaml", .config = config_, .findings = {}, .findings_total = 0});
}

void Simulator::StopPlane() {
  ++life_;
  plane_.reset();
  probing_.clear();
  failed_in_a_row_.clear();
  timer_ = Instant::max();
  for (auto& [session, stream] : streams_) {
    if (!stream.plane_open) continue;
    stream.plane_open = false;
    EndOnWorker(session, Delay());
  }
}

void Simulator::Handle(const Event& event) {
  if (plane_ == nullptr) return;
  std::vector<Action> actions;
  plane_->Handle(event, queue_.now(), actions);
  Carry(std::move(actions));
}

void Simulator::Carry(std::vector<Action> actions) {
  for (Action& action : actions) CarryOne(action);
  ArmTimer();
}

void Simulator::CarryOne(Action& action) {
  if (auto* send = std::get_if<SendToWorker>(&action)) {
    Trace(send->message.SerializeAsString());
    ToWorker(send->session, send->message);
  } else if (auto* close = std::get_if<CloseSession>(&action)) {
    Trace(close->status.ToString());
    if (!absl::IsAborted(close->status)) Violated("stream closed: " + close->status.ToString());
    // Nothing is sent on it from now on.
    if (const auto it = streams_.find(close->session); it != streams_.end())
      it->second.told_complete = false;
    EndOnWorker(close->session, Delay());
    EndOnPlane(close->session, Delay());
  } else if (auto* watch = std::get_if<WatchProcess>(&action)) {
    if (MachineOf(watch->start_ticks) == nullptr) ReportGone(watch->pid, watch->start_ticks);
  } else if (auto* probe = std::get_if<StartProbe>(&action)) {
    CarryProbe(*probe);
  } else if (auto* query = std::get_if<ResolveName>(&action)) {
    CarryQuery(*query);
  } else if (auto* reply = std::get_if<Reply>(&action)) {
    if (const auto* status = std::get_if<admin::v1::Status>(&reply->answer)) status_ = *status;
  } else if (auto* save = std::get_if<SaveState>(&action)) {
    Trace(save->bytes);
    stored_ = std::move(save->bytes);
  }
}

void Simulator::CarryProbe(const StartProbe& probe) {
  Trace(absl::StrCat("probe ", probe.address.ToString()));
  if (!probing_.emplace(probe.address, probe.probe).second)
    Violated("two checks of one backend at once");
  const bool passed = world_.IsUp(probe.address);
  const Duration took = passed ? Delay() : Between(Duration{0}, probe.timeout);
  const uint64_t life = life_;
  queue_.After(took, [this, life, probe, passed, took, loads = loads_] {
    if (life != life_) return;
    const auto it = probing_.find(probe.address);
    if (it != probing_.end() && it->second == probe.probe) probing_.erase(it);
    uint32_t& failed = failed_in_a_row_[probe.address];
    // A check made with parameters of the past counts for nothing.
    failed = passed || loads != loads_ ? 0 : failed + 1;
    Handle(ProbeDone{probe.probe, passed, passed ? "ok" : "timeout", took});
  });
}

void Simulator::CarryQuery(const ResolveName& query) {
  Trace(absl::StrCat("query ", query.name.ToString()));
  const uint64_t life = life_;
  queue_.After(Delay(), [this, life, query] {
    if (life != life_) return;
    Resolved answer{.query = query.query, .error = absl::OkStatus(), .endpoints = {}, .ttl = {}};
    answer.endpoints = world_.Resolve(query.name);
    answer.ttl = std::chrono::seconds(2);
    if (answer.endpoints.empty()) answer.error = absl::UnavailableError("SERVFAIL");
    Handle(answer);
  });
}

void Simulator::ArmTimer() {
  const Instant next = plane_->NextDeadline();
  if (next == timer_ || next == Instant::max()) return;
  timer_ = next;
  const uint64_t life = life_;
  queue_.At(next, [this, life, next] {
    if (life != life_ || timer_ != next) return;
    timer_ = Instant::max();
    Handle(TimerFired{});
  });
}

void Simulator::LoadConfig() {
  config_ = world_.RandomConfig();
  ++loads_;
  // A backend that leaves takes its check with it; one that returns is another.
  std::set<Endpoint> staying;
  for (const RuleConfig& rule : config_->rules)
    for (const BackendConfig& backend : rule.backends)
      if (rule.health_check.enabled) staying.insert(backend.address);
  std::erase_if(probing_, [&](const auto& entry) { return !staying.contains(entry.first); });
  NoteLimits();
  failed_in_a_row_.clear();
  Handle(ConfigRead{.path = "lb.yaml", .config = config_, .findings = {}, .findings_total = 0});
}

void Simulator::LoadBadFile() {
  Finding finding;
  finding.message = "unknown key";
  Handle(ConfigRead{
      .path = "lb.yaml", .config = std::nullopt, .findings = {finding}, .findings_total = 1});
}

admin::v1::Status Simulator::AskStatus() {
  status_.reset();
  Handle(AdminRequest{next_request_++, admin::v1::GetStatusRequest(),
                      ClockReading{queue_.now(), WallTime{}}});
  if (!status_) Violated("an admin request without a reply");
  return status_.value_or(admin::v1::Status());
}

}  // namespace lb::sim
