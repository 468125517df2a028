// What the access log tells of a connection's way, gathered while it goes on: its socket's
// addresses, which a reset takes away, and when it came how far. Kept only while the log is on.
// Threading: its I/O thread only.
#pragma once

#include <memory>
#include <optional>

#include "base/endpoint.h"
#include "base/time.h"
#include "dataplane/access_log/access_record.h"
#include "dataplane/forward/thread_rule.h"
#include "dataplane/snapshot/live_state.h"

namespace lb::dataplane {

struct AccessNotes {
  // Of the client's socket, just accepted.
  static std::unique_ptr<AccessNotes> Begin(int client_fd);

  // It waits for a backend's slot from `now` on, if it does not already.
  void EnterQueue(Instant now);
  // It waits no more, if it did.
  void LeaveQueue(Instant now);
  // It is connected to a backend by this socket.
  void Connected(int backend_fd, Instant now);

  std::optional<proxy::Address> peer;
  std::optional<proxy::Address> listen;
  std::optional<proxy::Address> source;
  std::optional<Instant> queued_at;  // While it waits.
  std::optional<Duration> queued;    // Over all waits that are over.
  std::optional<Instant> connected_at;
  std::optional<Instant> first_byte_at;
};

// The address as a record keeps it; nothing of other families, or of a socket that has failed.
std::optional<proxy::Address> AddressForLog(const SocketAddress& address);

// The record of a client that is refused right after accept.
AccessRecord RefusedAtOnce(const ThreadRule& rule, int fd, RefuseReason reason, Instant now);

}  // namespace lb::dataplane
