// The health of every backend, and which check is due when.
//
// A backend is known by rule, name and address: while these stay, so does its state, whatever
// happens to the parameters of the check. Checks of one backend never overlap, and one that hangs
// delays no other. Every event costs O(log n). Pure: checks go out and come back as values.
// Threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "controlplane/health/rise_fall.h"
#include "controlplane/loop/action.h"
#include "controlplane/loop/event.h"
#include "controlplane/snapshot/live_rules.h"
#include "controlplane/tls/material.h"

namespace lb::controlplane {

// One backend as the admin API and the metrics see it.
struct BackendHealth {
  Endpoint address;
  type::v1::HealthState state = type::v1::HEALTH_STATE_UNKNOWN;
  bool checked = false;
  std::string detail;           // The last result: "HTTP 503"; empty before the first.
  uint32_t against = 0;         // Last results in a row that contradict the state,
  uint32_t against_needed = 0;  // and how many of them turn it.
  Duration took{};              // Of the last check.
  std::optional<Instant> last_change;
  uint64_t checks_total = 0;
  uint64_t failures_total = 0;
};

class HealthBook final {
 public:
  using State = type::v1::HealthState;

  // First checks are spread over this long, longer when there are so many that they would come in
  // bursts of less than kSpreadPerCheck, never over more than the interval.
  static constexpr std::chrono::seconds kSpread{1};
  static constexpr std::chrono::microseconds kSpreadPerCheck{500};
  // Checks come at the interval plus or minus this share of it.
  static constexpr int64_t kJitterPercent = 10;
  // States kept of backends that no configuration has named yet: more than a host has backends.
  static constexpr size_t kMaxRemembered = 200'000;

  explicit HealthBook(uint64_t seed) : prng_(seed) {}

  // Notes what was known before: from the state file (with an address) or a worker (without one).
  // It counts for backends that have no result of their own yet. The first word on a backend wins.
  // Returns true when that changed the state of a backend in use.
  bool Remember(const BackendKey& key, const std::optional<Endpoint>& address, State state,
                Instant now);

  // Sets what checks over TLS use from now on. Before SetRules, when rules name new files.
  void SetMaterial(std::shared_ptr<const TlsMaterial> material) { material_ = std::move(material); }

  // Sets what is to be checked. Appends to `changed` each backend that is new or whose state
  // changed by that.
  void SetRules(const LiveRules& rules, Instant now, std::vector<BackendKey>& changed);

  // Starts the checks that are due.
  void Run(Instant now, std::vector<Action>& actions);

  // Takes a result. Returns the backend whose state it changed, if it did. Results of checks that
  // are not in flight, or that were made with parameters of the past, count for nothing.
  std::optional<BackendKey> Done(const ProbeDone& result, Instant now);

  // When Run has something to do; Instant::max() for never.
  Instant NextDeadline() const { return due_.empty() ? Instant::max() : due_.begin()->first; }

  // The state to tell workers: of a backend in use, or what is remembered of it.
  State StateOf(const BackendKey& key) const;
  // Every state that is not UNKNOWN, by key; before the first SetRules, what is remembered.
  std::vector<std::pair<BackendKey, State>> Known() const;
  // The address that a state of Known() was found at, as far as it is known.
  std::optional<Endpoint> AddressOf(const BackendKey& key) const;
  // Details of a backend in use, or nullptr.
  const BackendHealth* Find(const BackendKey& key) const;

  uint64_t transitions_total(State to) const {
    return to == type::v1::HEALTH_STATE_HEALTHY ? to_healthy_ : to_unhealthy_;
  }

 private:
  struct Remembered {
    std::optional<Endpoint> address;
    State state;
  };
  // How the backends of a rule are checked.
  struct CheckSettings {
    HealthCheckConfig check;
    std::shared_ptr<const BackendTlsConfig> tls;  // nullptr: checks are plain.
  };
  struct Checked {
    BackendKey key;
    LiveBackend backend;
    HealthCheckConfig check;
    std::shared_ptr<const BackendTlsConfig> tls;
    RiseFall rise_fall;
    BackendHealth health;
    uint64_t order = 0;  // Breaks ties between checks due at the same instant.
    Instant due;
    bool scheduled = false;
    std::optional<ProbeId> in_flight;
    Instant started;
    bool outdated = false;  // The check in flight was made with other parameters.
  };

  void Add(const BackendKey& key, const LiveBackend& backend, CheckSettings settings, Instant now,
           Duration spread);
  void Update(Checked& checked, const LiveBackend& backend, CheckSettings settings, Instant now);
  StartProbe ProbeOf(const Checked& checked) const;
  void Remove(Checked& checked);
  void Schedule(Checked& checked, Instant due);
  void Unschedule(Checked& checked);
  void SetState(Checked& checked, RiseFall rise_fall, Instant now);
  Duration Jittered(Duration interval);

  Prng prng_;
  std::shared_ptr<const TlsMaterial> material_;
  bool has_rules_ = false;
  std::map<BackendKey, Remembered> remembered_;
  std::map<BackendKey, std::unique_ptr<Checked>> checked_;
  std::map<uint64_t, Checked*> by_order_;
  std::map<ProbeId, Checked*> in_flight_;
  std::set<std::pair<Instant, uint64_t>> due_;  // By order.
  uint64_t next_order_ = 1;
  ProbeId next_probe_ = 1;
  uint64_t to_healthy_ = 0;
  uint64_t to_unhealthy_ = 0;
};

}  // namespace lb::controlplane
