// One rule as one I/O thread uses it: the shared table, the thread's own balancing and its own
// counters.
//
// Connections keep the rule they were accepted with by a RuleLease, which counts without atomics
// because it never leaves the thread.
// Threading: its I/O thread only.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/time.h"
#include "dataplane/forward/dial.h"
#include "dataplane/forward/rule_balance.h"
#include "dataplane/outlier/ejection.h"
#include "dataplane/snapshot/build_tables.h"
#include "dataplane/snapshot/tables.h"

namespace lb::dataplane {

// The backends one connection has tried.
class TriedBackends final {
 public:
  static_assert(kMaxBackends <= 65'536, "an index fits 16 bits");

  bool Has(size_t index) const {
    for (uint8_t i = 0; i < count_; ++i) {
      if (tried_[i] == index) return true;
    }
    return false;
  }
  void Add(size_t index) {
    LB_CHECK(count_ < tried_.size());
    tried_[count_++] = static_cast<uint16_t>(index);
  }
  uint8_t count() const { return count_; }

 private:
  std::array<uint16_t, kMaxConnectAttempts> tried_{};
  uint8_t count_ = 0;
};

class RuleLease;

class ThreadRule final {
 public:
  // A backend to try, or why there is none.
  struct Choice {
    std::optional<size_t> backend;
    bool at_limit = false;  // One was left out for want of a slot.
  };

  // `previous` (nullptr: none) is the same rule before: a round robin goes on from there.
  ThreadRule(std::shared_ptr<const RuleTable> table, size_t thread, uint64_t seed,
             const ThreadRule* previous);
  ~ThreadRule();

  // The rule as clients of this route use it, see SniTable.
  RuleLease Route(uint32_t number) const;
  // Counts a client that the route took. Of a route's rule.
  void NoteRouted() { table_->route->counters[thread_].connections_total.Add(1); }

  // Chooses among the backends in use not tried before, and when none is left among the backups.
  // One slot of the chosen one is taken; the caller returns it. `client_hash` is HashOfClient where
  // HashesClient().
  Choice Choose(const TriedBackends& tried, uint64_t client_hash, Instant now);

  // True when Choose would find one now; another thread may be faster.
  bool CanChoose(const TriedBackends& tried, Instant now);

  // True when choosing needs to know who the client is.
  bool HashesClient() const { return dataplane::HashesClient(table_->balance.algorithm); }

  // Count a connection of this backend, from choosing it to closing its socket.
  void NoteOpened(size_t index);
  void NoteClosed(size_t index);

  // Calls the next of those who wait for this backend, after a slot of it came free.
  void CallWaiting(size_t index);

  // Count a failure of this backend, and the first byte of its answer to a connection, where
  // outliers are detected.
  void NoteFailure(size_t index, ConnectFailure failure, Instant now) {
    if (DetectsOutliers()) NoteBackendFailure(*table_, index, failure, now);
  }
  void NoteAnswer(size_t index) {
    if (DetectsOutliers()) NoteBackendAnswer(*table_, index);
  }
  bool DetectsOutliers() const { return table_->outlier.on(); }
  // True when a connect that took so long counts as a failure.
  bool IsSlow(Duration connect_time) const {
    const Duration longest = table_->outlier.max_connect_time;
    return longest.count() > 0 && connect_time > longest;
  }

  // Begins a connect to the backend, each time from another source; counts sources without a port.
  Dialed DialBackend(size_t index);

  const RuleTable& table() const { return *table_; }
  const std::shared_ptr<const RuleTable>& shared_table() const { return table_; }
  const BackendTable& backend(size_t index) const { return table_->backends[index]; }
  RuleCounters& counters() { return table_->state->counters[thread_]; }
  BackendCounters& backend_counters(size_t index) {
    return table_->backends[index].state->counters[thread_];
  }

 private:
  friend class RuleLease;

  // Goes on where `choice` is what the attempts so far have shown.
  Choice ChooseOther(const TriedBackends& tried, uint64_t client_hash, Choice choice);
  Choice ChooseBackup(const TriedBackends& tried);
  bool TakeSlot(size_t index);
  bool IsFull(size_t index) const;

  const std::shared_ptr<const RuleTable> table_;
  const size_t thread_;
  RuleBalance balance_;
  size_t source_turn_ = 0;
  uint64_t leases_ = 0;
  std::vector<RuleLease> routes_;  // By number.
};

// Keeps a ThreadRule; the last one destroys it. Within one thread only.
class RuleLease final {
 public:
  RuleLease() = default;
  explicit RuleLease(std::unique_ptr<ThreadRule> rule) : rule_(rule.release()) { Take(); }
  RuleLease(const RuleLease& other) : rule_(other.rule_) { Take(); }
  RuleLease(RuleLease&& other) noexcept : rule_(std::exchange(other.rule_, nullptr)) {}
  RuleLease& operator=(RuleLease other) noexcept {
    std::swap(rule_, other.rule_);
    return *this;
  }
  ~RuleLease() {
    if (rule_ != nullptr && --rule_->leases_ == 0) delete rule_;
  }

  ThreadRule* get() const { return rule_; }
  ThreadRule* operator->() const { return rule_; }
  ThreadRule& operator*() const { return *rule_; }

 private:
  void Take() {
    if (rule_ != nullptr) ++rule_->leases_;
  }

  ThreadRule* rule_ = nullptr;
};

}  // namespace lb::dataplane
