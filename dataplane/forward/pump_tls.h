// Moves the bytes of one direction where one end or both speak TLS.
//
// As pump.h does for plain sockets, with the same results and counts, which are of plaintext. A
// close_notify is passed on as a FIN and the other way round. TLS that ends without one is cut off:
// a TLS destination gets a FIN without close_notify, a plain one nothing; Direction::truncated
// tells. Threading: the connection's I/O thread only.
#pragma once

#include "dataplane/forward/pump.h"
#include "dataplane/forward/side.h"
#include "dataplane/tls/record_stream.h"

namespace lb::dataplane {

// Rounds before others get their turn: 256 KiB, a third of a millisecond with the sealing.
inline constexpr int kMaxTlsRounds = 4;

// One end of a direction: its socket and, where it speaks TLS, its stream after the handshake.
struct Port {
  Side& side;
  tls::RecordStream* stream = nullptr;
};

// Like Pump. One of the ports has a stream.
Pumped PumpTls(Direction& direction, Port from, Port to, bool last, RelayTools& tools, Instant now,
               uint64_t allowance = kNoAllowance);

// Receives once, `most` bytes at most. Within a turn of the stream.
void ReceiveRecords(Side& side, tls::RecordStream& stream, size_t most);
// Sends what waits; true when nothing is left of it. `more`: 0 or MSG_MORE.
bool SendRecords(Side& side, tls::RecordStream& stream, int more = 0);

}  // namespace lb::dataplane
