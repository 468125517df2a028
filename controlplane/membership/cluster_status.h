// What is known of the cluster, as answers and metrics show it. Values; threading: none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/time.h"
#include "controlplane/membership/key_mark.h"
#include "controlplane/membership/messages.h"
#include "controlplane/membership/shared.h"
#include "controlplane/membership/stranger_book.h"

namespace lb::controlplane::swim {

struct MemberStatus {
  std::string name;
  Endpoint address;
  State state = State::kAlive;
  uint32_t incarnation = 0;
  Instant changed_at;   // Of its state.
  std::string version;  // Of the program; empty: it is no control plane of this kind.
};

struct ClusterStatus {
  bool enabled = false;  // The rest is empty where it is not.
  std::string name;      // This member's.
  std::string label;
  Endpoint address;
  std::vector<KeyMark> keys{};  // The first seals; none: anybody may say anything.
  bool keys_ordered = false;    // They are others than the configuration's.
  bool stays_away = false;      // It left by order.
  bool serf = true;             // Whether Serf's agents can be members.
  bool open = false;            // No key, and reachable from other hosts.
  std::string problem;  // Why it does not work, such as an address that is in use; empty: none.
  std::vector<MemberStatus> members;       // By name; this one too, and those that failed or left.
  std::vector<std::string> seeds_missing;  // Peers without an address, or that are not members.
  int awareness = 0;                       // 0 to 7: how much this host seems to be held up.
  uint64_t queued = 0;                     // Updates that are still passed on.
  Counters counters{};
  std::vector<uint64_t> bad_packets;  // By WireError.
  StrangerBook::Strangers strangers;
};

}  // namespace lb::controlplane::swim
