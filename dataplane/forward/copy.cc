#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/system_calls.h"
#include "dataplane/forward/socket_options.h"
#include "dataplane/forward/stream.h"

namespace lb::dataplane {

size_t Send(Side& to, const char* data, size_t bytes, int more) {
  if (to.nagle != Nagle::kOff) to.NextSend();
  for (;;) {
    const ssize_t sent = raw::Send(to.fd.get(), data, bytes, MSG_NOSIGNAL | MSG_DONTWAIT | more);
    if (sent >= 0) {
      if (static_cast<size_t>(sent) < bytes) to.writable = false;
      return static_cast<size_t>(sent);
    }
    if (errno == EINTR) continue;
    NoteWriteError(to);
    return 0;
  }
}

void Keep(Direction& direction, const char* data, size_t bytes) {
  LB_CHECK(direction.kept_bytes == 0 && bytes <= kMaxKeptBytes);
  direction.kept.reset(new char[bytes]);
  std::memcpy(direction.kept.get(), data, bytes);
  direction.kept_bytes = static_cast<uint32_t>(bytes);
}

void BoundUnsentOnce(Side& to) {
  if (!std::exchange(to.unsent_bounded, true)) BoundUnsent(to.fd.get());
}

void SendKept(Stream& stream) {
  Direction& direction = stream.direction;
  const size_t sent =
      Send(stream.to, direction.kept.get() + direction.kept_offset, direction.kept_bytes);
  stream.pumped.sent_bytes += sent;
  direction.kept_offset += static_cast<uint32_t>(sent);
  direction.kept_bytes -= static_cast<uint32_t>(sent);
  if (direction.kept_bytes > 0) return;
  direction.kept.reset();
  direction.kept_offset = 0;
}

void Copy(Stream& stream) {
  auto& [direction, from, to, tools, now, allowance, pumped] = stream;
  char* const scratch = tools.scratch.get();
  const auto room = static_cast<size_t>(std::min<uint64_t>(kScratchBytes, stream.MayRead()));
  const ssize_t received = raw::Recv(from.fd.get(), scratch, room, MSG_DONTWAIT);
  if (received == 0) {
    // The error of a reset is told once; after it this is no FIN.
    if (from.reset)
      from.readable = false;
    else
      direction.source_ended = true;
    return;
  }
  if (received < 0) {
    if (errno != EINTR) NoteError(from.readable, from);
    return;
  }
  const auto bytes = static_cast<size_t>(received);
  if (bytes == kScratchBytes) {
    direction.bulk = true;
    BoundUnsentOnce(to);
  } else if (bytes < room && from.ShortReadIsLast()) {
    direction.source_ended = true;
  } else if (bytes < room && !from.read_to_end) {
    from.readable = false;
  }
  pumped.received_bytes += bytes;
  // The FIN is passed on next: it goes out with the last bytes, in one packet.
  const size_t sent = Send(to, scratch, bytes, direction.source_ended ? MSG_MORE : 0);
  pumped.sent_bytes += sent;
  // With nothing sent to a side that has failed, another one may take it.
  if (sent < bytes && (!to.reset || sent == 0)) Keep(direction, scratch + sent, bytes - sent);
}

}  // namespace lb::dataplane
