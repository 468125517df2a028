#include "controlplane/membership/shared.h"

#include <algorithm>

namespace lb::controlplane::swim {
namespace {

// Members that speak this version take a checksum.
constexpr uint8_t kChecksumVersion = 5;

bool KnowsChecksum(const Member& member) {
  return member.node.versions && member.node.versions->protocol_max >= kChecksumVersion;
}

}  // namespace

void Shared::AddAwareness(int by) {
  awareness_ = std::clamp(awareness_ + by, 0, options.timing.awareness_max_mult - 1);
}

void Shared::Send(const Address& to, std::string message, Turn& turn) {
  const size_t used = message.size() + kPartOverhead + kCompoundOverhead + options.seal_overhead;
  std::vector<std::string> parts{std::move(message)};
  if (used < kPacketBytes)
    for (std::string& part : queue.Take(kPacketBytes - used, kMaxPartsSent - 1, Limit()))
      parts.push_back(std::move(part));
  ++counters.packets_out;
  turn.actions.push_back(SendPacket{to, std::move(parts), false});
}

void Shared::SendAlone(const Address& to, std::string message, Turn& turn) {
  ++counters.packets_out;
  turn.actions.push_back(SendPacket{to, {std::move(message)}, false});
}

void Shared::SendBroadcasts(const Member& to, Turn& turn) {
  std::vector<std::string> parts =
      queue.Take(kPacketBytes - kCompoundOverhead - options.seal_overhead, kMaxPartsSent, Limit());
  if (!parts.empty()) SendParts(to, std::move(parts), turn);
}

void Shared::SendParts(const Member& to, std::vector<std::string> parts, Turn& turn) {
  ++counters.packets_out;
  turn.actions.push_back(SendPacket{to.node.address, std::move(parts), KnowsChecksum(to)});
}

}  // namespace lb::controlplane::swim
