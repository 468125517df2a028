// Where the live states of rules and backends are found by name, over all snapshots.
//
// A rule or backend that any table or connection still uses is found again as the same object, so a
// backend that is removed and added again keeps its slots and counters while connections hold it.
// Health and slot grants travel on lanes of their own and may arrive before the snapshot that names
// their backend: they are remembered here. Everything is bounded by kMaxEntries.
// Threading: the control thread only; the states it hands out are shared with the I/O threads.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "dataplane/snapshot/live_state.h"
#include "dataplane/snapshot/tables.h"
#include "dataplane/snapshot/tls_cache.h"

namespace lb::dataplane {

// A backend's full name; with an empty backend, where slots are concerned, the rule itself.
struct BackendKey {
  std::string rule;
  std::string backend;

  friend bool operator==(const BackendKey&, const BackendKey&) = default;
  friend auto operator<=>(const BackendKey&, const BackendKey&) = default;
};

// What the control plane says about a backend; unknown ones are used for traffic.
enum class Health : uint8_t { kUnknown, kHealthy, kUnhealthy };

class StateRegistry final {
 public:
  // Four times what one snapshot may hold: old, new and early names at once, with room.
  static constexpr size_t kMaxEntries = 262'144;

  // Rights and use of one backend, or of a rule itself.
  struct SlotUse {
    BackendKey key;
    uint64_t granted = 0;
    uint64_t held = 0;
    uint64_t wanted = 0;  // See Slots::TakeWanted.
  };

  // `threads` is the number of I/O threads, each with counters of its own.
  // `key` is random; see RateLimiters.
  explicit StateRegistry(size_t threads, const SipKey& key = {})
      : threads_(threads), rate_limiters_(key) {}

  // The state of this rule; made when nobody uses one.
  std::shared_ptr<RuleState> FindOrMakeRule(const std::string& rule);
  // The state of this backend; made, with the health and grant told before, when nobody uses one.
  std::shared_ptr<BackendState> FindOrMakeBackend(const BackendKey& key);

  // Says what the control plane told about a backend, known or not. False, and nothing is kept,
  // when kMaxEntries others are remembered. `now` is when a backend that is no longer unhealthy
  // begins its slow start.
  [[nodiscard]] bool SetHealth(const BackendKey& key, Health health, Instant now);
  // A complete update: what `told` does not name becomes unknown, in one step. False when some of
  // it could not be kept.
  [[nodiscard]] bool ReplaceHealth(const std::map<BackendKey, Health>& told, Instant now);
  // Sets the rights of a backend or rule, known or not. They never expire: they outlive it.
  [[nodiscard]] bool Grant(const BackendKey& key, uint64_t slots);

  // Call after `tables` came into force: forgets what nobody needs any more, and the health of
  // backends that two tables in a row did not name since it was told. Two, because health has a
  // lane of its own: it may be about the snapshot that waits behind the one just applied.
  void Committed(const Tables& tables);

  RateLimiters& rate_limiters() { return rate_limiters_; }
  ClientLimits& client_limits() { return client_limits_; }
  const ClientLimits& client_limits() const { return client_limits_; }
  Bandwidths& bandwidths() { return bandwidths_; }
  TlsCache& tls() { return tls_; }
  const Bandwidths& bandwidths() const { return bandwidths_; }
  const RateLimiters& rate_limiters() const { return rate_limiters_; }

  // What was told and is not unknown, sorted.
  std::map<BackendKey, Health> health() const;
  // Every limited backend and rule with rights or slots in use; one that left the tables counts as
  // it last was. Starts a new period of `wanted`, which counts those who wait for a backend too.
  std::vector<SlotUse> TakeSlotUse();
  // States that are in use, sorted by name.
  std::vector<std::shared_ptr<RuleState>> rules() const;
  std::vector<std::shared_ptr<BackendState>> backends() const;

 private:
  struct RuleEntry {
    std::weak_ptr<RuleState> state;
    bool limited = false;  // In the last tables that named it.
    uint64_t granted = 0;
  };
  struct Entry {
    std::weak_ptr<BackendState> state;
    Health health = Health::kUnknown;
    bool passed_over = false;  // The last tables did not name it, and nothing was told since.
    bool limited = false;      // In the last tables that named it, like the next.
    std::string route;         // First name of its SNI route; empty: it has none.
    uint64_t granted = 0;
  };

  bool GrantRule(const std::string& rule, uint64_t slots);
  void CommitRules(const Tables& tables);
  static SlotUse UseOf(BackendKey key, uint64_t granted, Slots* slots);
  // Tells what is known of this backend, and those who wait for one of its rule.
  void Tell(const BackendKey& key, Entry& entry, Health health, Instant now);
  // The backends in use of the rule may have become more: those who wait may try.
  void CallWaiting(const std::string& rule, bool recovered);
  std::shared_ptr<RuleState> RuleOf(const std::string& rule) const;
  Entry* FindOrMakeEntry(const BackendKey& key);
  void Prune();

  const size_t threads_;
  RateLimiters rate_limiters_;
  Bandwidths bandwidths_;
  ClientLimits client_limits_;
  TlsCache tls_;
  std::map<std::string, RuleEntry> rules_;
  std::map<BackendKey, Entry> backends_;
};

}  // namespace lb::dataplane
