#include "dataplane/forward/pump.h"

#include <sys/socket.h>

#include <utility>

#include "dataplane/forward/stream.h"

namespace lb::dataplane {
namespace {

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
    if (stream.MayRead() == 0) return PumpResult::kPaused;
    Move(stream);
  }
  return PumpResult::kAgain;
}

}  // namespace

Pumped Pump(Direction& direction, Side& from, Side& to, bool last, RelayTools& tools, Instant now,
            uint64_t allowance) {
  Stream stream{direction, from, to, tools, now, allowance};
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
