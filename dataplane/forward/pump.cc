#include "dataplane/forward/pump.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/system_calls.h"
#include "dataplane/forward/socket_options.h"

namespace lb::dataplane {
namespace {

// A splice of less than this is a message more probably than a part of a stream.
constexpr size_t kMessageBytes = 64 * 1024;

constexpr unsigned kSpliceFlags = SPLICE_F_NONBLOCK | SPLICE_F_MOVE;

// One direction while it is pumped.
struct Stream {
  Direction& direction;
  Side& from;
  Side& to;
  RelayTools& tools;
  Instant now;
  Pumped pumped{};
};

// What a failed read or write says about the side.
void NoteError(bool& ready, Side& side) {
  ready = false;
  if (errno != EAGAIN) side.reset = true;
}

// Sends and says how much `to` took; less than `bytes` when it is full (no longer writable) or
// failed (reset).
size_t Send(Side& to, const char* data, size_t bytes, int more = 0) {
  if (to.nagle != Nagle::kOff) to.NextSend();
  for (;;) {
    const ssize_t sent = raw::Send(to.fd.get(), data, bytes, MSG_NOSIGNAL | MSG_DONTWAIT | more);
    if (sent >= 0) {
      if (static_cast<size_t>(sent) < bytes) to.writable = false;
      return static_cast<size_t>(sent);
    }
    if (errno == EINTR) continue;
    NoteError(to.writable, to);
    return 0;
  }
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

void Keep(Direction& direction, const char* data, size_t bytes) {
  LB_CHECK(direction.kept_bytes == 0 && bytes <= kScratchBytes);
  direction.kept.reset(new char[bytes]);
  std::memcpy(direction.kept.get(), data, bytes);
  direction.kept_bytes = static_cast<uint32_t>(bytes);
}

void BeginBulk(Stream& stream) {
  stream.direction.bulk = true;
  if (!std::exchange(stream.to.unsent_bounded, true)) BoundUnsent(stream.to.fd.get());
}

// Reads once and sends it on.
void Copy(Stream& stream) {
  auto& [direction, from, to, tools, now, pumped] = stream;
  char* const scratch = tools.scratch.get();
  const ssize_t received = raw::Recv(from.fd.get(), scratch, kScratchBytes, MSG_DONTWAIT);
  if (received == 0) {
    direction.source_ended = true;
    return;
  }
  if (received < 0) {
    if (errno != EINTR) NoteError(from.readable, from);
    return;
  }
  const auto bytes = static_cast<size_t>(received);
  if (bytes == kScratchBytes)
    BeginBulk(stream);
  else if (from.ShortReadIsLast())
    direction.source_ended = true;
  else if (!from.read_to_end)
    from.readable = false;
  pumped.received_bytes += bytes;
  // The FIN is passed on next: it goes out with the last bytes, in one packet.
  const size_t sent = Send(to, scratch, bytes, direction.source_ended ? MSG_MORE : 0);
  pumped.sent_bytes += sent;
  if (sent < bytes && !to.reset) Keep(direction, scratch + sent, bytes - sent);
}

// Moves from the pipe what the destination takes.
void DrainPipe(Stream& stream) {
  auto& [direction, from, to, tools, now, pumped] = stream;
  Pipe& pipe = *direction.pipe;
  if (to.nagle != Nagle::kOff) to.NextSend();
  while (pipe.bytes > 0) {
    const ssize_t sent = raw::Splice(pipe.read.get(), to.fd.get(), pipe.bytes, kSpliceFlags);
    if (sent <= 0) {
      if (sent < 0 && errno == EINTR) continue;
      return NoteError(to.writable, to);
    }
    LB_CHECK(static_cast<size_t>(sent) <= pipe.bytes);
    pipe.bytes -= static_cast<size_t>(sent);
    pumped.sent_bytes += static_cast<uint64_t>(sent);
  }
}

// How many bytes wait to be read; at least 1 when it cannot be told. tcp(7), SIOCINQ.
int Unread(const Side& from) {
  int bytes = 1;
  return ioctl(from.fd.get(), SIOCINQ, &bytes) == 0 ? bytes : 1;
}

// True when the error is about splicing, not about the connection.
bool OnlyNoSplice(int error) { return error == EAGAIN || error == EINVAL || error == ENOMEM; }

// Moves once through the pipe, which is empty. Whatever is not plainly more data is left to Copy,
// which knows a FIN from an urgent byte that stops splice(2).
void Splice(Stream& stream) {
  auto& [direction, from, to, tools, now, pumped] = stream;
  Pipe& pipe = *direction.pipe;
  const ssize_t received = raw::Splice(from.fd.get(), pipe.write.get(), kSpliceBytes, kSpliceFlags);
  if (received <= 0) {
    const int error = received < 0 ? errno : 0;
    if (error == EINTR) return;
    if (error == EAGAIN && !from.read_to_end) {
      from.readable = false;
      return;
    }
    direction.bulk = false;
    // The error is told once: recv would see a FIN now.
    if (error != 0 && !OnlyNoSplice(error)) NoteError(from.readable, from);
    return;
  }
  pipe.bytes = static_cast<size_t>(received);
  pumped.received_bytes += pipe.bytes;
  direction.bulk = pipe.bytes >= kMinSpliceBytes;
  const bool message = pipe.bytes < kMessageBytes;
  DrainPipe(stream);
  // Asking what is left is cheaper than a splice that finds nothing.
  if (message && !from.read_to_end && Unread(from) == 0) from.readable = false;
}

// Reads and sends on once, in the way that suits the transfer.
void Move(Stream& stream) {
  Direction& direction = stream.direction;
  if (direction.bulk && direction.pipe == nullptr)
    direction.pipe = stream.tools.pipes.Borrow(stream.now);
  if (direction.bulk && direction.pipe != nullptr) return Splice(stream);
  Copy(stream);
}

// Sends what is kept or in the pipe. True when nothing is left of it.
bool Flush(Stream& stream) {
  Direction& direction = stream.direction;
  if (direction.kept_bytes > 0 && stream.to.writable) SendKept(stream);
  if (direction.pipe != nullptr && stream.to.writable) DrainPipe(stream);
  return direction.kept_bytes == 0 && (direction.pipe == nullptr || direction.pipe->bytes == 0);
}

// Passes the FIN on.
PumpResult End(Stream& stream, bool last) {
  // After a send met the reset, recv says 0: that is no FIN.
  if (stream.from.reset) return PumpResult::kReset;
  stream.direction.ended = true;
  if (last || shutdown(stream.to.fd.get(), SHUT_WR) == 0) return PumpResult::kEnded;
  stream.to.reset = true;
  return PumpResult::kReset;
}

PumpResult Run(Stream& stream, bool last) {
  for (int round = 0; round < kMaxPumpRounds; ++round) {
    const bool flushed = Flush(stream);
    if (stream.to.reset) return PumpResult::kReset;
    if (!flushed) return PumpResult::kWaiting;
    if (stream.direction.source_ended) return End(stream, last);
    if (!stream.from.readable) return stream.from.reset ? PumpResult::kReset : PumpResult::kWaiting;
    if (!stream.to.writable) return PumpResult::kWaiting;
    Move(stream);
  }
  return PumpResult::kAgain;
}

}  // namespace

Pumped Pump(Direction& direction, Side& from, Side& to, bool last, RelayTools& tools, Instant now) {
  Stream stream{direction, from, to, tools, now};
  if (direction.ended)
    stream.pumped.result = PumpResult::kEnded;
  else
    stream.pumped.result = Run(stream, last);
  if (direction.pipe != nullptr && direction.pipe->bytes == 0) ReturnPipe(direction, tools);
  return stream.pumped;
}

void ReturnPipe(Direction& direction, RelayTools& tools) {
  if (direction.pipe != nullptr) tools.pipes.Return(std::move(direction.pipe));
}

}  // namespace lb::dataplane
