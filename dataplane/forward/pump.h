// Moves the bytes of one direction of a connection from socket to socket.
//
// Bytes go through a scratch buffer that all connections of the thread share; only what the
// destination did not take is kept, in memory of exactly that size, and nothing more is read while
// some is kept. A connection that waits holds no buffer at all.
// Threading: its I/O thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "dataplane/forward/side.h"

namespace lb::dataplane {

// The size of the shared buffer: up to it, copying costs no more than splice(2) would.
inline constexpr size_t kScratchBytes = 16 * 1024;

// Rounds before others get their turn; with full reads 256 KiB.
inline constexpr int kMaxPumpRounds = 16;

// One direction. It ends when the source's FIN was passed on.
struct Direction {
  std::unique_ptr<char[]> kept;  // Read, but not taken by the destination yet.
  uint32_t kept_offset = 0;
  uint32_t kept_bytes = 0;
  bool source_ended = false;  // Its FIN was read.
  bool ended = false;         // The FIN was passed on, after all bytes.
};

enum class PumpResult : uint8_t {
  kWaiting,  // For an event of either socket.
  kAgain,    // There may be more to do: run again without an event.
  kEnded,    // Just now, or before.
  kReset,    // One of the sockets failed; its side says so.
};

struct Pumped {
  PumpResult result = PumpResult::kWaiting;
  uint64_t received_bytes = 0;
  uint64_t sent_bytes = 0;
};

// Moves what can be moved now. At the end it passes the FIN on with shutdown(2), unless `last`:
// then both sockets are closed next, which says the same. `scratch` has kScratchBytes.
Pumped Pump(Direction& direction, Side& from, Side& to, bool last, char* scratch);

}  // namespace lb::dataplane
