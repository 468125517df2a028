// What a process does once for itself before it serves. Threading: call before other threads start.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "controlplane/loop/control_loop.h"

namespace lb::controlplane {

// Raises RLIMIT_NOFILE to its hard limit and returns what may be opened now.
size_t RaiseDescriptorLimit();

// A write to a closed socket shall be an error, not the end.
void IgnoreSigpipe();

// Identity of this run for the loop: pid, start time, a fresh incarnation and a seed, both from the
// kernel's random source. `stored_state` as StateFile::Read returns it.
ControlLoop::Options LoopOptions(std::string node_id, std::optional<std::string> stored_state);

}  // namespace lb::controlplane
