// How a member takes part. Values; threading: none.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "base/time.h"
#include "controlplane/membership/messages.h"

namespace lb::controlplane::swim {

// memberlist's defaults for a local network. Members with other values than their peers are
// suspected by them, or suspect them, too early.
struct Timing {
  Duration probe_interval = std::chrono::seconds(1);
  Duration probe_timeout = std::chrono::milliseconds(500);
  size_t indirect_checks = 3;
  Duration gossip_interval = std::chrono::milliseconds(200);
  size_t gossip_nodes = 3;
  Duration gossip_to_the_dead = std::chrono::seconds(30);
  Duration push_pull_interval = std::chrono::seconds(30);
  Duration tcp_timeout = std::chrono::seconds(10);
  size_t retransmit_mult = 4;
  size_t suspicion_mult = 4;
  size_t suspicion_max_timeout_mult = 6;
  int awareness_max_mult = 8;
  // One of those that failed, or of the seeds that are not here, is called again so often.
  Duration reconnect_interval = std::chrono::seconds(30);
  // Who failed is called for so long, and is listed as failed.
  Duration forget_after = std::chrono::hours(24);
};

struct Options {
  std::string name;     // Of this member, unique in the cluster; at most kMaxName bytes.
  Address address;      // Where others reach it.
  std::string meta{};   // See Alive::meta.
  Versions versions{};  // The delegate's must be in the range of all other members.
  Timing timing{};
  size_t seal_overhead = 0;    // PacketCodec::overhead().
  bool serf = false;           // Whether the delegate is Serf's.
  bool tcp_ping = true;        // Whether a probe tries TCP too, where UDP gets no answer.
  size_t max_members = 8'192;  // At most kMaxNodes / 2: a table must fit into one exchange.
};

// A datagram's payload is meant to be so long at most, and the five bytes of a checksum on top.
inline constexpr size_t kPacketBytes = 1'400;
// What each part of a compound costs beside its bytes, and the compound itself.
inline constexpr size_t kPartOverhead = 2;
inline constexpr size_t kCompoundOverhead = 2;
// Older members drop a compound of more.
inline constexpr size_t kMaxPartsSent = 127;

}  // namespace lb::controlplane::swim
