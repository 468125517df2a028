// A configuration in force that is rolled back unless somebody confirms it in time.
//
// It is stored before the file is written, so that a control plane that was killed in between, at
// any point, either finds the old file (and forgets the confirmation) or the new one (and goes on
// waiting). The deadline is wall time there: it counts on while nobody runs. Threading: none.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "lb/state/v1/state.pb.h"

namespace lb::controlplane {

struct Confirmation {
  // Connects to backends that are looked at before their failures mean anything.
  static constexpr uint64_t kMinConnects = 20;
  // How often the failures are looked at.
  static constexpr std::chrono::milliseconds kLookInterval{500};
  // A rollback that failed (the disk is full) is tried again after this.
  static constexpr std::chrono::seconds kRetryInterval{5};

  std::string digest;     // Of the content that waits.
  uint64_t previous = 0;  // The revision to return to.
  Instant deadline;
  WallTime deadline_wall;
  double max_connect_failure_ratio = 0;  // 0: not looked at.

  // True when too many of the connects to the backends of a rule since the apply have failed.
  bool TooManyFailures(uint64_t connects, uint64_t failures) const;

  void Store(state::v1::StoredState& state) const;
  // nullopt when none was stored. `now` and `wall` are read together.
  static std::optional<Confirmation> Restore(const state::v1::StoredState& state, Instant now,
                                             WallTime wall);
};

}  // namespace lb::controlplane
