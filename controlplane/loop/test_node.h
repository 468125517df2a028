// The control loop that tests of the loop begin with.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/loop/control_loop.h"

namespace lb::controlplane {

// One that was stored so, and began at `now`; the same each time.
inline std::unique_ptr<ControlLoop> NodeOf(std::string stored_state, Instant now,
                                           std::vector<Action>& actions,
                                           bool state_damaged = false) {
  return std::make_unique<ControlLoop>(ControlLoop::Options{.node_id = "node",
                                                            .incarnation = "one",
                                                            .pid = 1,
                                                            .start_time = {},
                                                            .seed = 1,
                                                            .boot_id = "boot",
                                                            .stored_state = std::move(stored_state),
                                                            .state_damaged = state_damaged},
                                       now, actions);
}

}  // namespace lb::controlplane
