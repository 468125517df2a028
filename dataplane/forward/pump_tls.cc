#include "dataplane/forward/pump_tls.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "base/check.h"
#include "base/system_calls.h"
#include "dataplane/forward/stream.h"

namespace lb::dataplane {
namespace {

using tls::RecordStream;

// A direction and its TLS ends.
struct TlsStream : Stream {
  RecordStream* from_tls;
  RecordStream* to_tls;

  bool HasInput() const {
    if (from_tls == nullptr) return from.readable;
    if (from_tls->failed()) return false;
    return from_tls->HasRecord() || from_tls->input_ended() || from.readable;
  }
};

// A stream that failed is like a socket that was reset: the alert for its peer goes first.
void FailStream(Side& side, RecordStream& stream) {
  SendRecords(side, stream);
  side.reset = true;
  side.readable = false;
}

// Sends what is kept for the destination, sealed or not. True when nothing is left of it.
bool Flush(TlsStream& stream) {
  Direction& direction = stream.direction;
  if (stream.to_tls == nullptr) {
    if (direction.kept_bytes > 0 && stream.to.writable) SendKept(stream);
    return direction.kept_bytes == 0;
  }
  if (direction.kept_bytes > 0) {
    const std::string_view kept(direction.kept.get() + direction.kept_offset, direction.kept_bytes);
    if (!stream.to_tls->Write(kept)) FailStream(stream.to, *stream.to_tls);
    stream.pumped.sent_bytes += kept.size();
    direction.kept.reset();
    direction.kept_offset = direction.kept_bytes = 0;
  }
  return SendRecords(stream.to, *stream.to_tls);
}

// Opens what came into `plain`. Returns how much.
size_t OpenRecords(TlsStream& stream, char* plain, size_t room) {
  RecordStream& records = *stream.from_tls;
  if (!records.HasRecord() && !records.input_ended()) {
    // More than may be opened would only be kept.
    ReceiveRecords(stream.from, records, std::max(room, tls::kMaxRecordBytes));
  }
  const RecordStream::Opened opened = records.Read(plain, room);
  switch (opened.step) {
    case RecordStream::Step::kDone:
    case RecordStream::Step::kWaiting:
      break;
    case RecordStream::Step::kTruncated:
      stream.direction.truncated = true;
      [[fallthrough]];
    case RecordStream::Step::kEnded:
      stream.direction.source_ended = true;
      break;
    case RecordStream::Step::kFailed:
      FailStream(stream.from, records);
  }
  // Answers to the peer's key updates.
  if (!records.Unsent().empty()) SendRecords(stream.from, records);
  return opened.bytes;
}

size_t ReadPlain(TlsStream& stream, char* plain, size_t room) {
  Side& from = stream.from;
  const ssize_t received = raw::Recv(from.fd.get(), plain, room, MSG_DONTWAIT);
  if (received == 0) {
    // The error of a reset is told once; after it this is no FIN.
    if (from.reset)
      from.readable = false;
    else
      stream.direction.source_ended = true;
    return 0;
  }
  if (received < 0) {
    if (errno != EINTR) NoteError(from.readable, from);
    return 0;
  }
  const auto bytes = static_cast<size_t>(received);
  if (bytes < room && from.ShortReadIsLast())
    stream.direction.source_ended = true;
  else if (bytes < room && !from.read_to_end)
    from.readable = false;
  return bytes;
}

// Reads once and sends it on; keeps what the destination does not take.
void Move(TlsStream& stream) {
  Direction& direction = stream.direction;
  char* const plain = stream.tools.records().plain.get();
  const auto room = static_cast<size_t>(std::min<uint64_t>(tls::kPlainBytes, stream.MayRead()));
  const size_t bytes = stream.from_tls != nullptr ? OpenRecords(stream, plain, room)
                                                  : ReadPlain(stream, plain, room);
  stream.pumped.received_bytes += bytes;
  if (bytes == tls::kPlainBytes) BoundUnsentOnce(stream.to);
  const bool ends = direction.source_ended && !direction.truncated;
  if (bytes == 0) return;
  if (stream.to_tls == nullptr) {
    const size_t sent = Send(stream.to, plain, bytes, ends ? MSG_MORE : 0);
    stream.pumped.sent_bytes += sent;
    if (sent < bytes && (!stream.to.reset || sent == 0))
      Keep(direction, plain + sent, bytes - sent);
    return;
  }
  stream.pumped.sent_bytes += bytes;
  if (!stream.to_tls->Write({plain, bytes})) return FailStream(stream.to, *stream.to_tls);
  if (ends) stream.to_tls->Close();
  SendRecords(stream.to, *stream.to_tls, ends ? MSG_MORE : 0);
}

// Passes the end on.
PumpResult End(TlsStream& stream, bool last) {
  Direction& direction = stream.direction;
  // After a send met the reset, recv says 0: that is no FIN.
  if (stream.from.reset) return PumpResult::kReset;
  if (stream.to_tls != nullptr && !direction.truncated) {
    stream.to_tls->Close();
    if (!SendRecords(stream.to, *stream.to_tls))
      return stream.to.reset ? PumpResult::kReset : PumpResult::kWaiting;
  }
  direction.ended = true;
  // A plain peer would take a FIN for a complete stream.
  const bool silent = direction.truncated && stream.to_tls == nullptr;
  if (last || silent || shutdown(stream.to.fd.get(), SHUT_WR) == 0) return PumpResult::kEnded;
  stream.to.reset = true;
  return PumpResult::kReset;
}

PumpResult Run(TlsStream& stream, bool last) {
  for (int round = 0; round < kMaxTlsRounds; ++round) {
    const bool flushed = Flush(stream);
    if (stream.to.reset) return PumpResult::kReset;
    if (!flushed) return PumpResult::kWaiting;
    if (stream.direction.source_ended) return End(stream, last);
    if (!stream.HasInput()) return stream.from.reset ? PumpResult::kReset : PumpResult::kWaiting;
    if (!stream.to.writable) return PumpResult::kWaiting;
    if (stream.MayRead() == 0) return PumpResult::kPaused;
    Move(stream);
  }
  return PumpResult::kAgain;
}

}  // namespace

void ReceiveRecords(Side& side, RecordStream& stream, size_t most) {
  if (!side.readable) return;
  char* const room = stream.Room();
  const size_t wanted = std::min(most, stream.RoomBytes());
  LB_CHECK(wanted > 0);
  const ssize_t received = raw::Recv(side.fd.get(), room, wanted, MSG_DONTWAIT);
  if (received == 0) {
    if (!side.reset) stream.ReceivedEnd();
    side.readable = false;
    return;
  }
  if (received < 0) {
    if (errno != EINTR) NoteError(side.readable, side);
    return;
  }
  const auto bytes = static_cast<size_t>(received);
  stream.Received(bytes);
  if (bytes < wanted && side.ShortReadIsLast())
    stream.ReceivedEnd();
  else if (bytes < wanted && !side.read_to_end)
    side.readable = false;
}

bool SendRecords(Side& side, RecordStream& stream, int more) {
  const std::string_view unsent = stream.Unsent();
  if (unsent.empty()) return true;
  if (!side.writable) return false;
  const size_t sent = Send(side, unsent.data(), unsent.size(), more);
  stream.Sent(sent);
  return sent == unsent.size();
}

Pumped PumpTls(Direction& direction, Port from, Port to, bool last, RelayTools& tools, Instant now,
               uint64_t allowance) {
  const RecordStream::Turn from_turn(from.stream);
  const RecordStream::Turn to_turn(to.stream);
  TlsStream stream{{direction, from.side, to.side, tools, now, allowance}, from.stream, to.stream};
  if (direction.ended)
    stream.pumped.result = PumpResult::kEnded;
  else
    stream.pumped.result = Run(stream, last);
  return stream.pumped;
}

}  // namespace lb::dataplane
