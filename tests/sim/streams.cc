// Streams and worker processes of the simulator.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/sim/simulator.h"

namespace lb::sim {

using controlplane::ProcessGone;
using controlplane::WorkerMessage;
using controlplane::WorkerStreamEnded;

void Simulator::StartWorker(size_t slot) {
  Machine& machine = machines_[slot];
  if (machine.worker != nullptr) return;
  const uint64_t process = next_process_++;
  machine.worker = std::make_unique<FakeWorker>(absl::StrCat("worker-", slot), next_incarnation_++,
                                                TakePid(), process, prng_.Next());
  machine.session = 0;
  queue_.After(kTrafficRound, [this, process] { TrafficRound(process); });
  Connect(process);
}

void Simulator::CrashWorker(size_t slot) {
  Machine& machine = machines_[slot];
  if (machine.worker == nullptr) return;
  const uint64_t process = machine.worker->process();
  const uint32_t pid = machine.worker->pid();
  dead_.emplace(process, pid);
  machine.worker.reset();
  for (auto& [session, stream] : streams_)
    if (stream.process == process && std::exchange(stream.worker_open, false))
      EndOnPlane(session, Between(Duration{0}, std::chrono::seconds(1)));
  ReportGone(pid, process);
  queue_.After(Between(Duration{0}, std::chrono::seconds(5)), [this, slot] { StartWorker(slot); });
}

// A fresh pid, or that of a process that is dead and whose streams have ended.
uint32_t Simulator::TakePid() {
  for (const auto& [process, pid] : dead_) {
    const bool over =
        std::none_of(streams_.begin(), streams_.end(),
                     [gone = process](const auto& entry) { return entry.second.process == gone; });
    if (over && prng_.Chance(1, 2)) return dead_.extract(process).mapped();
  }
  return next_pid_++;
}

void Simulator::ReportGone(uint32_t pid, uint64_t process) {
  const uint64_t life = life_;
  queue_.After(Between(Duration{0}, std::chrono::seconds(1)), [this, life, pid, process] {
    if (life == life_) Handle(ProcessGone{pid, process});
  });
}

void Simulator::Connect(uint64_t process) {
  Machine* machine = MachineOf(process);
  if (machine == nullptr || machine->session != 0) return;
  if (plane_ == nullptr) {
    queue_.After(Between(std::chrono::milliseconds(100), std::chrono::seconds(3)),
                 [this, process] { Connect(process); });
    return;
  }
  const uint64_t session = next_session_++;
  machine->session = session;
  streams_[session].process = process;
  machine->worker->Connected([this, session](worker::v1::ConnectRequest message) {
    FromWorker(session, std::move(message));
  });
}

void Simulator::FromWorker(uint64_t session, worker::v1::ConnectRequest message) {
  Stream& stream = streams_.at(session);
  stream.last_up = std::max(stream.last_up, queue_.now() + Delay());
  if (++stream.on_the_way > kMaxOnTheWay) Violated("a queue passes its limit");
  queue_.At(stream.last_up, [this, session, message = std::move(message)] {
    const auto it = streams_.find(session);
    if (it == streams_.end()) return;
    --it->second.on_the_way;
    if (!it->second.plane_open) return;
    if (message.has_hello()) {
      greeted_.insert(it->second.process);
      const worker::v1::Hello& hello = message.hello();
      const bool tells = hello.has_running() || hello.slots_size() > 0;
      if (std::exchange(untold_, false) && tells) relaxed_ = false;
    }
    const uint64_t process = it->second.process;
    Handle(WorkerMessage{session, message, MachineOf(process) != nullptr ? process : 0});
  });
}

void Simulator::ToWorker(uint64_t session, const worker::v1::ConnectResponse& message) {
  const auto found = streams_.find(session);
  if (found == streams_.end() || !found->second.plane_open)
    return Violated("a message on a stream that ended");
  Stream& stream = found->second;
  for (const worker::v1::HealthEntry& entry : message.health().entries())
    stream.told[{entry.rule(), entry.backend()}] = entry.state();
  if (message.has_health()) stream.told_complete |= message.health().complete();
  for (const worker::v1::SlotGrant::Entry& entry : message.slots().entries())
    stream.grants_on_the_way[{entry.rule(), entry.backend()}].insert(entry.slots());
  stream.last_down = std::max(stream.last_down, queue_.now() + Delay());
  if (++stream.on_the_way > kMaxOnTheWay) Violated("a queue passes its limit");
  queue_.At(stream.last_down, [this, session, message] {
    const auto it = streams_.find(session);
    if (it == streams_.end()) return;
    Stream& to = it->second;
    --to.on_the_way;
    for (const worker::v1::SlotGrant::Entry& entry : message.slots().entries()) {
      auto& grants = to.grants_on_the_way[{entry.rule(), entry.backend()}];
      grants.erase(grants.find(entry.slots()));
    }
    Machine* machine = MachineOf(to.process);
    if (!to.worker_open || machine == nullptr) return;
    const FakeWorker::Faults faults{.refuse_percent = faulty_ ? 10u : 0u, .saturate = !faulty_};
    const std::string breach = machine->worker->Take(message, faults);
    if (!breach.empty()) Violated(absl::StrCat(machine->worker->id(), " got ", breach));
  });
}

void Simulator::CutStream(uint64_t session) {
  const auto it = streams_.find(session);
  if (it == streams_.end() || !it->second.worker_open) return;
  EndOnPlane(session, Between(Duration{0}, std::chrono::seconds(3)));
  EndOnWorker(session, Between(Duration{0}, std::chrono::seconds(1)));
}

void Simulator::EndOnPlane(uint64_t session, Duration delay) {
  const uint64_t life = life_;
  queue_.After(delay, [this, life, session] {
    const auto it = streams_.find(session);
    if (it == streams_.end() || !std::exchange(it->second.plane_open, false)) return;
    if (life == life_) Handle(WorkerStreamEnded{session});
    DropIfOver(session);
  });
}

void Simulator::EndOnWorker(uint64_t session, Duration delay) {
  queue_.After(delay, [this, session] {
    const auto it = streams_.find(session);
    if (it == streams_.end() || !std::exchange(it->second.worker_open, false)) return;
    const uint64_t process = it->second.process;
    DropIfOver(session);
    Machine* machine = MachineOf(process);
    if (machine == nullptr || machine->session != session) return;
    machine->session = 0;
    machine->worker->Disconnected();
    queue_.After(Between(std::chrono::milliseconds(10), std::chrono::seconds(3)),
                 [this, process] { Connect(process); });
  });
}

void Simulator::DropIfOver(uint64_t session) {
  const auto it = streams_.find(session);
  if (it != streams_.end() && !it->second.plane_open && !it->second.worker_open) streams_.erase(it);
}

void Simulator::TrafficRound(uint64_t process) {
  Machine* machine = MachineOf(process);
  if (machine == nullptr) return;
  machine->worker->Traffic({.refuse_percent = 0, .saturate = !faulty_});
  queue_.After(kTrafficRound, [this, process] { TrafficRound(process); });
}

}  // namespace lb::sim
