// The first byte of a message, a layer of a datagram, or a stream. Threading: none.
#pragma once

#include <cstdint>

namespace lb::controlplane::swim {

enum class MessageType : uint8_t {
  kPing = 0,
  kIndirectPing = 1,
  kAck = 2,
  kSuspect = 3,
  kAlive = 4,
  kDead = 5,
  kPushPull = 6,    // Streams only.
  kCompound = 7,    // Datagrams only.
  kUser = 8,        // A datagram's has no header, a stream's has one.
  kCompressed = 9,  // Around a message, a compound or what a stream has.
  kEncrypted = 10,  // Streams only.
  kNack = 11,
  kChecksum = 12,  // Datagrams only, around all but encryption and label.
  kError = 13,     // Streams only.
  kLabel = 244,    // Around all else.
};

constexpr char TypeByte(MessageType type) { return static_cast<char>(type); }

}  // namespace lb::controlplane::swim
