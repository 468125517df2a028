#include "tests/sim/cluster_host.h"

#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace lb::sim {

using namespace controlplane;  // NOLINT: the whole file is about its actions.
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr seconds kRestart{1};  // Of a control plane, by its supervisor.
constexpr milliseconds kProbeTime{1};
// 2026-01-01, as good as any.
constexpr WallTime kWallStart{seconds(1'767'225'600)};

}  // namespace

ClusterHost::ClusterHost(std::string name, size_t workers, uint64_t seed, Seams seams)
    : name_(std::move(name)),
      seams_(std::move(seams)),
      prng_(seed),
      workers_(workers),
      links_(workers) {}

void ClusterHost::StartMachine() {
  if (std::exchange(machine_up_, true)) return;
  ++boots_;
  StartControlPlane();
  for (size_t slot = 0; slot < workers_.size(); ++slot) StartWorker(slot);
}

void ClusterHost::CrashMachine() {
  machine_up_ = false;
  KillControlPlane();
  for (std::unique_ptr<SimWorker>& worker : workers_) worker.reset();
  processes_.clear();
}

void ClusterHost::StartControlPlane() {
  if (plane_ != nullptr || !machine_up_) return;
  ++life_;
  std::vector<Action> actions;
  plane_ = std::make_unique<ControlLoop>(
      ControlLoop::Options{.node_id = name_,
                           .incarnation = absl::StrCat(name_, "-", life_),
                           .pid = 1,
                           .start_time = Clocks().wall,
                           .seed = prng_.Next(),
                           .boot_id = absl::StrCat(name_, "-boot-", boots_),
                           .stored_state = stored_},
      seams_.queue.now(), actions);
  Carry(std::move(actions));
  LoadConfig();
}

void ClusterHost::KillControlPlane() {
  if (plane_ == nullptr) return;
  plane_.reset();
  ++life_;
  open_ = held_up_ = false;
  waiting_.clear();
  waiting_datagrams_ = 0;
  timer_ = Instant::max();
  for (size_t slot = 0; slot < workers_.size(); ++slot) EndStream(slot);
}

void ClusterHost::StopControlPlane() { Take(Stopping{}); }

void ClusterHost::HoldUp(Duration time) {
  if (plane_ == nullptr) return;
  held_up_ = true;
  seams_.queue.After(time, [this, hold = ++holds_, life = life_] {
    if (hold == holds_ && life == life_) GoOn();
  });
}

void ClusterHost::GoOn() {
  held_up_ = false;
  waiting_datagrams_ = 0;
  for (const Event& event : std::exchange(waiting_, {})) Handle(event);
}

void ClusterHost::SetConfig(Config config) {
  config_ = std::move(config);
  LoadConfig();
}

void ClusterHost::LoadConfig() {
  if (!config_) return;
  Take(ConfigRead{.path = "lb.yaml",
                  .config = config_,
                  .findings = {},
                  .findings_total = 0,
                  .time = Clocks().wall});
}

void ClusterHost::Deliver(swim::ClusterEvent event) { Take(GossipIn{std::move(event)}); }

// Now, or when the process goes on.
void ClusterHost::Take(Event event) {
  if (plane_ == nullptr) return;
  if (!held_up_) return Handle(event);
  if (const auto* gossip = std::get_if<GossipIn>(&event)) {
    const bool datagram = std::holds_alternative<swim::PacketIn>(gossip->event) ||
                          std::holds_alternative<swim::UsageIn>(gossip->event);
    if (datagram && ++waiting_datagrams_ > kMaxWaiting) return;
  }
  waiting_.push_back(std::move(event));
}

void ClusterHost::Handle(const Event& event) {
  if (plane_ == nullptr) return;
  ++events_;
  std::vector<Action> actions;
  plane_->Handle(event, seams_.queue.now(), actions);
  Carry(std::move(actions));
}

void ClusterHost::Carry(std::vector<Action> actions) {
  const uint64_t life = life_;
  for (Action& action : actions) {
    CarryOne(action);
    if (life != life_) return;
  }
  ArmTimer();
}

void ClusterHost::CarryOne(Action& action) {
  if (auto* send = std::get_if<SendToWorker>(&action)) {
    Down(send->session, send->message);
  } else if (auto* close = std::get_if<CloseSession>(&action)) {
    seams_.trace(close->session);
    // Aborted: another stream of the same process took its place.
    if (!absl::IsAborted(close->status))
      seams_.violated(absl::StrCat(name_, " ends a stream: ", close->status.ToString()));
    if (const std::optional<size_t> slot = SlotOf(close->session)) EndStream(*slot);
  } else if (auto* watch = std::get_if<WatchProcess>(&action)) {
    if (!processes_.contains(watch->start_ticks)) ReportGone(watch->start_ticks);
  } else if (auto* probe = std::get_if<StartProbe>(&action)) {
    CarryProbe(*probe);
  } else if (auto* reply = std::get_if<Reply>(&action)) {
    if (const auto* status = std::get_if<admin::v1::Status>(&reply->answer)) status_ = *status;
  } else if (auto* save = std::get_if<SaveState>(&action)) {
    seams_.trace(save->bytes.size());
    stored_ = std::move(save->bytes);
  } else if (auto* gossip = std::get_if<GossipOut>(&action)) {
    if (std::holds_alternative<swim::OpenGossip>(gossip->action)) open_ = true;
    if (std::holds_alternative<swim::CloseGossip>(gossip->action)) open_ = false;
    if (std::holds_alternative<swim::LeftCluster>(gossip->action)) {
      KillControlPlane();
      seams_.queue.After(kRestart, [this] { StartControlPlane(); });
      return;
    }
    seams_.gossip(gossip->action);
  }
}

void ClusterHost::CarryProbe(const StartProbe& probe) {
  const bool passed = seams_.is_up(probe.address);
  const Duration took = passed ? Duration(kProbeTime) : Duration(probe.timeout);
  seams_.queue.After(took, [this, life = life_, id = probe.probe, passed, took] {
    if (life == life_) Take(ProbeDone{id, passed, passed ? "ok" : "timeout", took});
  });
}

void ClusterHost::ArmTimer() {
  const Instant next = plane_->NextDeadline();
  if (next == timer_ || next == Instant::max()) return;
  timer_ = next;
  seams_.queue.At(next, [this, life = life_, next] {
    if (life != life_ || timer_ != next) return;
    timer_ = Instant::max();
    Take(TimerFired{});
  });
}

ClockReading ClusterHost::Clocks() const {
  const Instant now = seams_.queue.now();
  return {now, kWallStart + std::chrono::duration_cast<WallTime::duration>(now.time_since_epoch() +
                                                                           wall_offset_)};
}

admin::v1::Status ClusterHost::Status() {
  LB_CHECK(plane_ != nullptr && !held_up_);
  status_.reset();
  Handle(AdminRequest{next_request_++, admin::v1::GetStatusRequest(), Clocks()});
  LB_CHECK(status_.has_value());
  return *status_;
}

uint64_t ClusterHost::held(const std::string& rule, const std::string& backend) const {
  uint64_t sum = 0;
  for (const std::unique_ptr<SimWorker>& worker : workers_)
    if (worker != nullptr) sum += worker->held(rule, backend);
  return sum;
}

}  // namespace lb::sim
