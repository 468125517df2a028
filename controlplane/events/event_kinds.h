// The kinds of events that there are. Pure; threading: none.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controlplane/admin/failure.h"

namespace lb::controlplane {

// KIND_UNKNOWN naming the first of `kinds` that is neither a kind nor the part of one before the
// dot: who asks for it would wait for nothing for ever.
std::optional<Failure> CheckKinds(const std::vector<std::string>& kinds);

}  // namespace lb::controlplane
