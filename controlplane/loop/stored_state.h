// The state file: from bytes to parts at the start, from parts to bytes whenever they changed.
// Threading: none.
#pragma once

#include <memory>
#include <string>

#include "controlplane/loop/control_loop.h"
#include "controlplane/loop/parts.h"

namespace lb::controlplane {

// Makes the parts from what was stored. Bytes that do not parse count as nothing stored; that is
// logged. Workers that may still live are to be watched.
std::unique_ptr<Parts> Restore(const ControlLoop::Options& options, Turn& turn);

// Returns what to store.
std::string Store(const Parts& parts);

}  // namespace lb::controlplane
