#include "dataplane/forward/pump.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace lb::dataplane {
namespace {

// Sends and says how much `to` took; nothing when it is full (no longer writable) or failed
// (reset).
size_t Send(Side& to, const char* data, size_t bytes) {
  for (;;) {
    const ssize_t sent = send(to.fd.get(), data, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      if (static_cast<size_t>(sent) < bytes) to.writable = false;
      return static_cast<size_t>(sent);
    }
    if (errno == EINTR) continue;
    to.writable = false;
    if (errno != EAGAIN) to.reset = true;
    return 0;
  }
}

void SendKept(Direction& direction, Side& to, Pumped& pumped) {
  const size_t sent = Send(to, direction.kept.get() + direction.kept_offset, direction.kept_bytes);
  pumped.sent_bytes += sent;
  direction.kept_offset += static_cast<uint32_t>(sent);
  direction.kept_bytes -= static_cast<uint32_t>(sent);
  if (direction.kept_bytes > 0) return;
  direction.kept.reset();
  direction.kept_offset = 0;
}

void Keep(Direction& direction, const char* data, size_t bytes) {
  LB_CHECK(direction.kept_bytes == 0 && bytes <= kScratchBytes);
  direction.kept.reset(new char[bytes]);
  std::memcpy(direction.kept.get(), data, bytes);
  direction.kept_bytes = static_cast<uint32_t>(bytes);
}

// Reads once and sends it on.
void MoveOnce(Direction& direction, Side& from, Side& to, char* scratch, Pumped& pumped) {
  const ssize_t received = recv(from.fd.get(), scratch, kScratchBytes, MSG_DONTWAIT);
  if (received == 0) {
    direction.source_ended = true;
    return;
  }
  if (received < 0) {
    if (errno == EINTR) return;
    from.readable = false;
    if (errno != EAGAIN) from.reset = true;
    return;
  }
  const auto bytes = static_cast<size_t>(received);
  if (bytes < kScratchBytes && !from.read_to_end) from.readable = false;
  pumped.received_bytes += bytes;
  const size_t sent = Send(to, scratch, bytes);
  pumped.sent_bytes += sent;
  if (sent < bytes && !to.reset) Keep(direction, scratch + sent, bytes - sent);
}

// Passes the FIN on.
PumpResult End(Direction& direction, Side& from, Side& to, bool last) {
  // After a send met the reset, recv says 0: that is no FIN.
  if (from.reset) return PumpResult::kReset;
  direction.ended = true;
  if (last || shutdown(to.fd.get(), SHUT_WR) == 0) return PumpResult::kEnded;
  to.reset = true;
  return PumpResult::kReset;
}

}  // namespace

Pumped Pump(Direction& direction, Side& from, Side& to, bool last, char* scratch) {
  Pumped pumped;
  if (direction.ended) {
    pumped.result = PumpResult::kEnded;
    return pumped;
  }
  for (int round = 0; round < kMaxPumpRounds; ++round) {
    if (direction.kept_bytes > 0 && to.writable) SendKept(direction, to, pumped);
    if (to.reset) {
      pumped.result = PumpResult::kReset;
      return pumped;
    }
    if (direction.kept_bytes > 0) return pumped;
    if (direction.source_ended) {
      pumped.result = End(direction, from, to, last);
      return pumped;
    }
    if (!from.readable) {
      if (from.reset) pumped.result = PumpResult::kReset;
      return pumped;
    }
    if (!to.writable) return pumped;
    MoveOnce(direction, from, to, scratch, pumped);
  }
  pumped.result = PumpResult::kAgain;
  return pumped;
}

}  // namespace lb::dataplane
