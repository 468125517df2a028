#include "tests/sim/simulator.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace lb::sim {
namespace {

constexpr size_t kMostWorkers = 4;

}  // namespace

Simulator::Simulator(uint64_t seed) : prng_(seed), world_(seed ^ 0x5eed) {
  machines_.resize(1 + prng_.Below(kMostWorkers));
}

Simulator::Result Simulator::Run() {
  StartPlane(false);
  for (size_t slot = 0; slot < machines_.size(); ++slot)
    queue_.After(Between(Duration{0}, std::chrono::seconds(2)),
                 [this, slot] { StartWorker(slot); });
  queue_.After(std::chrono::seconds(1), [this] { NextFault(); });
  const Instant heal_at = queue_.now() + kFaulty;
  const Instant end = heal_at + kHealing;
  queue_.At(heal_at, [this] { Heal(); });
  while (result_.violation.empty() && queue_.RunOne(end)) {
    ++result_.events;
    if (plane_ != nullptr) Check();
  }
  if (result_.violation.empty()) CheckEnd();
  return result_;
}

void Simulator::NextFault() {
  if (!faulty_) return;
  queue_.After(Between(std::chrono::milliseconds(20), std::chrono::seconds(4)),
               [this] { NextFault(); });
  const size_t slot = prng_.Below(machines_.size());
  switch (prng_.Below(12)) {
    case 0:
    case 1:
      return LoadConfig();
    case 2:
      return LoadBadFile();
    case 3:
      return CrashWorker(slot);
    case 4:
    case 5:
      return CutStream(machines_[slot].session);
    case 6:
    case 7:
    case 8:
      return world_.FlapBackend();
    case 9:
      return world_.ChangeDns();
    case 10: {
      if (plane_ == nullptr || prng_.Chance(1, 2)) return;
      StopPlane();
      const bool keep_state = prng_.Chance(4, 5);
      queue_.After(Between(std::chrono::milliseconds(50), std::chrono::seconds(4)),
                   [this, keep_state] { StartPlane(keep_state); });
      return;
    }
    default:
      if (MachineOf(next_process_ - 1) != nullptr) CutStream(machines_[slot].session);
  }
}

void Simulator::Heal() {
  faulty_ = false;
  world_.Heal();
  if (plane_ == nullptr) StartPlane(true);
  LoadConfig();
}

// Mostly fast, now and then slow enough to be overtaken by other streams and by time limits.
Duration Simulator::Delay() {
  if (faulty_ && prng_.Chance(1, 50)) return Between(Duration{0}, std::chrono::seconds(2));
  return Between(std::chrono::microseconds(100), std::chrono::milliseconds(5));
}

Duration Simulator::Between(Duration low, Duration high) {
  return low + Duration(prng_.Below(static_cast<uint64_t>((high - low).count()) + 1));
}

Simulator::Machine* Simulator::MachineOf(uint64_t process) {
  for (Machine& machine : machines_)
    if (machine.worker != nullptr && machine.worker->process() == process) return &machine;
  return nullptr;
}

void Simulator::Violated(const std::string& what) {
  if (!result_.violation.empty()) return;
  const std::chrono::duration<double> at = queue_.now().time_since_epoch();
  result_.violation = absl::StrCat(what, " at ", at.count(), " s");
}

// FNV-1a, 64 bits (draft-eastlake-fnv).
void Simulator::Trace(const std::string& text) {
  const auto mix = [&](uint8_t byte) {
    result_.trace_hash = (result_.trace_hash ^ byte) * 0x100000001b3u;
  };
  const int64_t at = queue_.now().time_since_epoch().count();
  for (int shift = 0; shift < 64; shift += 8)
    mix(static_cast<uint8_t>(static_cast<uint64_t>(at) >> shift));
  for (const char c : text) mix(static_cast<uint8_t>(c));
}

}  // namespace lb::sim
