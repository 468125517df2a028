#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "base/system_calls.h"
#include "dataplane/forward/stream.h"

namespace lb::dataplane {
namespace {

// A splice of less than this is a message more probably than a part of a stream.
constexpr size_t kMessageBytes = 64 * 1024;

constexpr unsigned kSpliceFlags = SPLICE_F_NONBLOCK | SPLICE_F_MOVE;

// How many bytes wait to be read; at least 1 when it cannot be told. tcp(7), SIOCINQ.
int Unread(const Side& from) {
  int bytes = 1;
  return ioctl(from.fd.get(), SIOCINQ, &bytes) == 0 ? bytes : 1;
}

// True when the error is about splicing, not about the connection.
bool OnlyNoSplice(int error) { return error == EAGAIN || error == EINVAL || error == ENOMEM; }

}  // namespace

void DrainPipe(Stream& stream) {
  auto& [direction, from, to, tools, now, allowance, pumped] = stream;
  Pipe& pipe = *direction.pipe;
  if (to.nagle != Nagle::kOff) to.NextSend();
  while (pipe.bytes > 0) {
    const ssize_t sent = raw::Splice(pipe.read.get(), to.fd.get(), pipe.bytes, kSpliceFlags);
    if (sent <= 0) {
      if (sent < 0 && errno == EINTR) continue;
      return NoteWriteError(to);
    }
    LB_CHECK(static_cast<size_t>(sent) <= pipe.bytes);
    pipe.bytes -= static_cast<size_t>(sent);
    pumped.sent_bytes += static_cast<uint64_t>(sent);
  }
}

void Splice(Stream& stream) {
  auto& [direction, from, to, tools, now, allowance, pumped] = stream;
  Pipe& pipe = *direction.pipe;
  const auto room = static_cast<size_t>(std::min<uint64_t>(kSpliceBytes, stream.MayRead()));
  const ssize_t received = raw::Splice(from.fd.get(), pipe.write.get(), room, kSpliceFlags);
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
  // An allowance that was used up says nothing about what is behind it.
  direction.bulk = pipe.bytes >= kMinSpliceBytes || pipe.bytes == room;
  const bool message = pipe.bytes < kMessageBytes && pipe.bytes < room;
  DrainPipe(stream);
  // Asking what is left is cheaper than a splice that finds nothing.
  if (message && !from.read_to_end && Unread(from) == 0) from.readable = false;
}

}  // namespace lb::dataplane
