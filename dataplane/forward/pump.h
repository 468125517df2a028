// Moves the bytes of one direction of a connection from socket to socket.
//
// Small data goes through a scratch buffer that all connections of the thread share; only what the
// destination did not take is kept, in memory of exactly that size. A read that fills the scratch
// shows a bulk transfer: it goes on inside the kernel, through a borrowed pipe (splice(2)), until a
// piece of it is small again. While something is kept or stuck in the pipe nothing more is read, so
// a slow reader holds its writer up. A connection that waits for data holds neither buffer nor
// pipe. Threading: its I/O thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/time.h"
#include "dataplane/forward/pipe_pool.h"
#include "dataplane/forward/side.h"
#include "dataplane/tls/record_stream.h"

namespace lb::dataplane {

// The size of the shared buffer: up to it, copying costs no more than splice(2) would.
inline constexpr size_t kScratchBytes = 16 * 1024;

// What one splice(2) asks for: more than a pipe holds, so the pipe decides.
inline constexpr size_t kSpliceBytes = 1024 * 1024;

// A splice that moves less than this says that the transfer is no longer bulky.
inline constexpr size_t kMinSpliceBytes = 4 * 1024;

// Rounds before others get their turn: with full reads 256 KiB, with full pipes 4 MiB, a third of a
// millisecond either way.
inline constexpr int kMaxPumpRounds = 16;

// What all connections of one thread move their bytes with.
struct RelayTools {
  explicit RelayTools(size_t max_pipes) : scratch(new char[kScratchBytes]), pipes(max_pipes) {}

  const std::unique_ptr<char[]> scratch;
  PipePool pipes;

  // Made with the first TLS connection of the thread.
  tls::RecordBuffers& records() {
    if (record_buffers == nullptr) record_buffers = std::make_unique<tls::RecordBuffers>();
    return *record_buffers;
  }
  std::unique_ptr<tls::RecordBuffers> record_buffers;
};

// One direction. It ends when the source's FIN was passed on. Its pipe must be given back with
// ReturnPipe before it is destroyed.
struct Direction {
  std::unique_ptr<char[]> kept;  // Read, but not taken by the destination yet.
  uint32_t kept_offset = 0;
  uint32_t kept_bytes = 0;
  std::unique_ptr<Pipe> pipe;  // Borrowed; only between calls of Pump while bytes are stuck in it.
  bool bulk = false;           // The next bytes are better spliced.
  bool source_ended = false;   // Its FIN was read.
  bool ended = false;          // The FIN was passed on, after all bytes.
  bool truncated = false;      // The source's TLS ended without close_notify.
};

enum class PumpResult : uint8_t {
  kWaiting,  // For an event of either socket.
  kAgain,    // There may be more to do: run again without an event.
  kPaused,   // It read all that it was allowed to; there may be more.
  kEnded,    // Just now, or before.
  kReset,    // One of the sockets failed; its side says so.
};

struct Pumped {
  PumpResult result = PumpResult::kWaiting;
  uint64_t received_bytes = 0;
  uint64_t sent_bytes = 0;
};

inline constexpr uint64_t kNoAllowance = UINT64_MAX;  // None is needed.

// Moves what can be moved now, and reads `allowance` bytes at most. At the end it passes the FIN on
// with shutdown(2), unless `last`: then both sockets are closed next, which says the same.
Pumped Pump(Direction& direction, Side& from, Side& to, bool last, RelayTools& tools, Instant now,
            uint64_t allowance = kNoAllowance);

// Gives the pipe back, if it has one; bytes in it are lost.
void ReturnPipe(Direction& direction, RelayTools& tools);

}  // namespace lb::dataplane
