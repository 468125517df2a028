#include "dataplane/outlier/ejection.h"

#include <algorithm>

#include "base/mutex.h"

namespace lb::dataplane {
namespace {

constexpr uint64_t kWholePercent = 100;

// True when one more of the rule's backends may be out: within the percentage, and another one
// stays usable.
bool MayEject(const RuleTable& rule, size_t index, Instant now) {
  uint64_t counted = 0;
  uint64_t ejected = 0;
  bool another = false;
  for (size_t i = 0; i < rule.backends.size(); ++i) {
    const BackendTable& backend = rule.backends[i];
    if (backend.weight == 0) continue;
    ++counted;
    if (now < backend.state->outlier.ejected_until.load())
      ++ejected;
    else if (i != index && backend.state->usable.load())
      another = true;
  }
  return another &&
         (ejected + 1) * kWholePercent <= uint64_t{rule.outlier.max_ejected_percent} * counted;
}

// The next multiple of ejection_time, after what was forgotten since the last return.
uint32_t Grown(const OutlierState& outlier, Duration ejection_time, Instant now) {
  const Instant returned = outlier.ejected_until.load();
  if (returned == Instant::min()) return 1;
  const auto good = static_cast<uint64_t>((now - returned) / ejection_time);
  const uint32_t left =
      outlier.growth > good ? outlier.growth - static_cast<uint32_t>(good) : uint32_t{0};
  return std::min(left + 1, kMaxGrowth);
}

void Eject(const RuleTable& rule, size_t index, ConnectFailure failure, uint32_t failures,
           Instant now) {
  OutlierState& outlier = rule.backends[index].state->outlier;
  const MutexLock lock(rule.state->ejecting);
  // Another thread may have been faster.
  if (now < outlier.ejected_until.load() || !MayEject(rule, index, now)) return;
  outlier.growth = Grown(outlier, rule.outlier.ejection_time, now);
  outlier.reason.store(failure);
  outlier.failures_at_ejection.store(failures);
  outlier.failures.store(0);
  outlier.ejections.fetch_add(1);
  outlier.ejected_until.store(now + rule.outlier.ejection_time * outlier.growth);
  outlier.out.store(true);
  rule.state->any_out.store(true);
  rule.state->health_version.fetch_add(1);
}

}  // namespace

bool IsBackendsFault(ConnectFailure failure) {
  switch (failure) {
    case ConnectFailure::kNoPort:
    case ConnectFailure::kNoDescriptor:
    case ConnectFailure::kNoSource:
      return false;
    default:
      return true;
  }
}

void NoteBackendFailure(const RuleTable& rule, size_t index, ConnectFailure failure, Instant now) {
  if (!IsBackendsFault(failure)) return;
  OutlierState& outlier = rule.backends[index].state->outlier;
  // Of connections that were open before: they say nothing about how it is after its return.
  if (now < outlier.ejected_until.load()) return;
  const uint32_t failures = outlier.failures.fetch_add(1) + 1;
  if (failures < rule.outlier.failures) return;
  Eject(rule, index, failure, failures, now);
  // With one backend less in use, those who wait may be sent elsewhere.
  rule.line().queue.CallNext();
}

void NoteReturns(const Tables& tables, Instant now) {
  for (const auto& rule : tables.rules) {
    RuleState& state = *rule->state;
    if (!state.any_out.load(std::memory_order_relaxed)) continue;
    bool left = false;
    bool returned = false;
    {
      const MutexLock lock(state.ejecting);
      for (const BackendTable& backend : rule->backends) {
        OutlierState& outlier = backend.state->outlier;
        if (!outlier.out.load()) continue;
        const bool over = !rule->outlier.on() || outlier.ejected_until.load() <= now;
        (over ? returned : left) = true;
        if (over) outlier.out.store(false);
      }
      state.any_out.store(left);
    }
    if (!returned) continue;
    // Those who wait and were refused by it before try it once more.
    state.CallWaiting(true);
  }
}

}  // namespace lb::dataplane
