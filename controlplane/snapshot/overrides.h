// What operators set for backends beside the configuration: out of service, or another weight.
//
// An override is known by rule and backend name, so it holds over reloads. One whose backend left
// the configuration waits for it to come back for kRemembered, then it is dropped. Threading: none.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/time.h"
#include "controlplane/snapshot/backend_key.h"
#include "controlplane/snapshot/live_rules.h"
#include "lb/type/v1/type.pb.h"

namespace lb::controlplane {

// What is set for one backend; what is not set is as configured.
struct Override {
  type::v1::AdminState admin_state = type::v1::ADMIN_STATE_UNSPECIFIED;
  std::optional<uint32_t> weight;          // At most one of these two.
  std::optional<uint32_t> weight_percent;  // Of the configured weight.
  std::string author;
  WallTime set_time;

  bool empty() const {
    return admin_state == type::v1::ADMIN_STATE_UNSPECIFIED && !weight && !weight_percent;
  }
};

// The weight in force of a backend with this configured weight: 0 out of service; a share above 0
// of a weight above 0 never rounds to 0.
uint32_t EffectiveWeight(const Override& override, uint32_t configured);

class Overrides final {
 public:
  static constexpr size_t kMaxOverrides = 10'000;
  static constexpr uint32_t kMaxWeight = 1'000'000;
  static constexpr uint32_t kMaxPercent = 10'000;
  // How long an override outlives its backend in the configuration, counted anew by each start of
  // the control plane.
  static constexpr std::chrono::hours kRemembered{1};

  // Sets what holds for a backend; an empty override is dropped. False when there are too many.
  [[nodiscard]] bool Set(const BackendKey& key, Override override);

  // What holds for a backend by its name in force: its own, or for NAME@IP:PORT what was set for
  // the DNS name's backend NAME. nullptr: nothing.
  const Override* Find(const BackendKey& key) const;
  // What was set for exactly this name, or nullptr.
  const Override* FindExact(const BackendKey& key) const;

  // Puts weights and states into rules made by Expand.
  void Apply(LiveRules& rules) const;

  // Notes which backends exist and drops what is remembered for too long. True when one was.
  bool Keep(const LiveRules& rules, Instant now);
  // When Keep has something to drop; Instant::max() for never.
  Instant NextDeadline() const;

  const std::map<BackendKey, Override>& all() const { return overrides_; }

 private:
  std::map<BackendKey, Override> overrides_;
  std::map<BackendKey, Instant> gone_since_;
};

// True when connections can be sent to the backend or to an address of it.
bool Exists(const LiveRule& rule, const std::string& backend);

}  // namespace lb::controlplane
