// One direction of a connection while it is pumped, and the two ways its bytes move: copied through
// the thread's scratch buffer, or spliced through a pipe. Parts of pump.cc.
// Threading: the connection's I/O thread only.
#pragma once

#include <cerrno>
#include <cstdint>

#include "dataplane/forward/pump.h"
#include "dataplane/tls/record_stream.h"

namespace lb::dataplane {

struct Stream {
  Direction& direction;
  Side& from;
  Side& to;
  RelayTools& tools;
  Instant now;
  uint64_t allowance;
  Pumped pumped{};

  uint64_t MayRead() const { return allowance - pumped.received_bytes; }
};

// What errno says about a side after a failed read or write: it has to wait, or it is broken.
inline void NoteError(bool& ready, Side& side) {
  ready = false;
  if (errno != EAGAIN) side.reset = true;
}

// The same after a failed write. What a broken peer sent before is still there to be read, and its
// own event may come only after this turn.
inline void NoteWriteError(Side& to) {
  NoteError(to.writable, to);
  if (to.reset) to.readable = to.read_to_end = true;
}

// Most that a direction keeps: what one receive of a TLS end was.
inline constexpr size_t kMaxKeptBytes = tls::kPlainBytes;
static_assert(kScratchBytes <= kMaxKeptBytes);

// Sends and says how much `to` took; less than `bytes` when it is full (no longer writable) or
// failed (reset). `more`: 0 or MSG_MORE.
size_t Send(Side& to, const char* data, size_t bytes, int more = 0);
// Keeps what the destination did not take. Nothing may be kept before.
void Keep(Direction& direction, const char* data, size_t bytes);
// Bounds what the socket of a bulk transfer holds back, once.
void BoundUnsentOnce(Side& to);

// Reads once and sends it on; keeps what the destination does not take.
void Copy(Stream& stream);
// Sends what is kept, as far as the destination takes it.
void SendKept(Stream& stream);

// Moves once through the direction's pipe, which is empty. Whatever is not plainly more data is
// left to Copy, which knows a FIN from an urgent byte that stops splice(2).
void Splice(Stream& stream);
// Moves from the pipe what the destination takes.
void DrainPipe(Stream& stream);

}  // namespace lb::dataplane
