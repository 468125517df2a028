// The parts of a push/pull: a header, a map for each member, the application's bytes. Pure;
// threading: none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controlplane/membership/messages.h"

namespace lb::controlplane::swim {

struct PushPullHeader {
  bool join = false;
  uint32_t nodes = 0;
  uint32_t user_state_bytes = 0;
};

// All parts, behind the type byte. Within the bounds of messages.h.
std::string EncodePushPull(const PushPull& push_pull);

// Each takes a whole map. False: it holds what cannot be.
bool ReadHeader(std::string_view map, PushPullHeader& header);
bool ReadNodeState(std::string_view map, NodeState& node);

}  // namespace lb::controlplane::swim
