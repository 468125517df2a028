// The TLS of one connection: a stream for each end that speaks it, and the handshake under way.
// Only connections of rules with TLS have one. Threading: the connection's I/O thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "dataplane/forward/handshakes.h"
#include "dataplane/forward/pump_tls.h"
#include "dataplane/forward/side.h"
#include "dataplane/tls/record_stream.h"

namespace lb::dataplane {

struct TlsEnds {
  std::unique_ptr<tls::RecordStream> client;   // nullptr: plain.
  std::unique_ptr<tls::RecordStream> backend;  // nullptr: plain, or not connected yet.
  std::unique_ptr<Handshake> handshake;        // While one is under way.
  const char* failure = "";                    // See tls::Facts.
  std::string passed_sni;   // That a ClientHello asks for which is passed on as it came.
  bool moved_late = false;  // Bytes came from one end after the other had ended.
  bool cut_off = false;     // One end left without close_notify while something was missing.

  // True when the bytes of an end must be opened or sealed here.
  bool speaks() const { return client != nullptr || backend != nullptr; }
};

// How far a handshake came.
enum class HandshakeStep : uint8_t {
  kDone,
  kWaiting,  // For an event of the socket.
  kAgain,    // There may be more to read without an event.
  kFailed,   // BoringSSL's error queue says why; the peer has been sent an alert.
  kClosed,   // The peer's connection ended.
};

// Goes on with a handshake as far as bytes have come. `make_ssl` is asked for the SSL object once
// there is something for it to read, unless the stream has one.
template <typename MakeSsl>
HandshakeStep StepHandshake(Side& side, tls::RecordStream& stream, const MakeSsl& make_ssl) {
  // Receives before others get their turn. Each is of one record at most: what a client sends
  // behind its handshake waits in the kernel as long as it waits for a backend.
  constexpr int kMaxReceives = 4;
  const tls::RecordStream::Turn turn(&stream);
  for (int i = 0; i < kMaxReceives; ++i) {
    ReceiveRecords(side, stream, tls::kMaxRecordBytes);
    if (stream.ssl() == nullptr && stream.HasRecord()) stream.Begin(make_ssl());
    if (stream.ssl() != nullptr) {
      const tls::RecordStream::Step step = stream.Handshake();
      SendRecords(side, stream);
      if (step == tls::RecordStream::Step::kFailed) return HandshakeStep::kFailed;
      if (step == tls::RecordStream::Step::kDone && !side.reset) return HandshakeStep::kDone;
    }
    if (side.reset || stream.input_ended()) return HandshakeStep::kClosed;
    if (!side.readable) return HandshakeStep::kWaiting;
  }
  return HandshakeStep::kAgain;
}

}  // namespace lb::dataplane
