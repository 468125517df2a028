// What the access log knows of one connection that ended, as a value that an I/O thread can hand
// over cheaply. Times are spans since `began_at`. Plain values; threading: none.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/time.h"
#include "dataplane/proxy/header.h"
#include "dataplane/snapshot/tables.h"
#include "dataplane/tls/facts.h"

namespace lb::dataplane {

struct AccessRecord {
  // How far the connection had come.
  enum class Phase : uint8_t {
    kAccept,     // Refused before anything was done for it.
    kHeader,     // Its PROXY header was awaited.
    kHello,      // Its ClientHello was awaited, to route it.
    kHandshake,  // The TLS handshake with it was under way.
    kQueue,      // It waited for a backend's slot.
    kConnect,    // A backend was sought or connected to.
    kData,       // Bytes could pass both ways.
    kLast,       // One direction had ended.
  };

  std::shared_ptr<const RuleTable> rule{};
  std::optional<uint32_t> backend{};  // Index in the rule's table, of the one tried last.
  const char* reason = "";            // Of ToString, which lives for ever.
  Phase phase = Phase::kAccept;
  uint8_t attempts = 0;  // Connects to backends.
  Instant began_at{};
  Duration duration{};
  // Absent: it did not come so far.
  std::optional<Duration> queued{};
  std::optional<Duration> connected_after{};
  std::optional<Duration> first_byte_after{};  // Of the backend, sent to the client.
  uint64_t received_bytes = 0;                 // From the client.
  uint64_t sent_bytes = 0;                     // To the client.
  // Absent: the socket had failed before it was asked, or it is no IP address.
  std::optional<proxy::Address> client{};   // Who the PROXY header says, else `peer`.
  std::optional<proxy::Address> peer{};     // The client's end of the socket.
  std::optional<proxy::Address> listen{};   // What it connected to.
  std::optional<proxy::Address> source{};   // What its backend was connected from.
  std::shared_ptr<const tls::Facts> tls{};  // nullptr: no end of it has to do with TLS.
};

}  // namespace lb::dataplane
