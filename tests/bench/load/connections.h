// The sockets of both roles, clients and backend, behind one epoll. Connections are recycled, and
// an event carries the connection's address: nothing is looked up or allocated per event, so that
// the generator costs as little as it can. Threading: one thread.
#pragma once

#include <sys/epoll.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "base/endpoint.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "tests/bench/load/tls_ends.h"

namespace lb::bench {

struct Connection {
  enum class Role : uint8_t { kClient, kServer };
  // Where an exchange stands; streams have no steps.
  enum class Step : uint8_t { kSend, kReceive, kAwaitClose, kHold };

  UniqueFd fd;               // Not valid: closed, until its place is used again.
  bssl::UniquePtr<SSL> tls;  // Null: plain.
  bool shook_hands = false;  // Its TLS handshake is counted.
  Role role = Role::kClient;
  Step step = Step::kSend;
  uint64_t to_send = 0;
  uint64_t to_receive = 0;
  Instant began;
};

class Connections final {
 public:
  static constexpr size_t kBufferBytes = 256 * 1024;

  // Results of Send and Receive below zero.
  static constexpr ssize_t kNotNow = -1;
  static constexpr ssize_t kBroken = -2;  // errno says why.

  Connections();

  // Makes both roles speak TLS from now on, as `ends` says, which outlives this.
  void UseTls(TlsEnds& ends) { tls_ = &ends; }

  // Opens the backend's listening socket; its event carries no connection. Returns its address,
  // with the port that the kernel chose for port 0.
  absl::StatusOr<Endpoint> Listen(const Endpoint& address);

  // Where Connect() connects from now on: an IPv4 address of loopback.
  void set_target(const Endpoint& target) { target_ = target.ToSocketAddress(); }

  // Starts to connect to the target and watches for `events`; a TLS client says its ClientHello.
  // Null, with errno, when that fails at once. The source addresses take turns, so that each has
  // ports enough.
  Connection* Connect(uint32_t events);

  // The next connection of the backend, watched for `events`; null when there is none.
  Connection* Accept(uint32_t events);

  // Closes it, after a close_notify where there is TLS. Events of the same batch may still carry
  // its address.
  void Close(Connection& connection);

  // Waits for events, a bounded time so that the caller can look at the clock. The connections
  // that were closed during the batch before are free for use from here on.
  std::span<const epoll_event> Wait();

  // Sends up to `bytes` bytes of no meaning. Bytes sent, or kNotNow or kBroken.
  ssize_t Send(Connection& connection, size_t bytes);

  // Receives up to `bytes` bytes and forgets them. Bytes received, 0 at the end, kNotNow or
  // kBroken.
  ssize_t Receive(Connection& connection, size_t bytes);

  // The same, but the kernel does not even copy them (MSG_TRUNC of tcp(7)), where there is no TLS.
  ssize_t Discard(Connection& connection, size_t bytes);

 private:
  static constexpr size_t kEventsPerWait = 512;

  Connection* Take(UniqueFd fd, Connection::Role role, uint32_t events);
  ssize_t ReceiveWith(Connection& connection, size_t bytes, int flags);
  ssize_t AfterTls(Connection& connection, ssize_t result);
  void Watch(int fd, uint32_t events, Connection* connection);

  SocketAddress target_;
  TlsEnds* tls_ = nullptr;
  UniqueFd epoll_;
  UniqueFd listener_;
  uint32_t next_source_ = 0;
  std::vector<char> buffer_;
  std::deque<Connection> all_;  // Addresses stay.
  std::vector<Connection*> free_;
  std::vector<Connection*> closed_;  // Since the last Wait().
  std::array<epoll_event, kEventsPerWait> events_;
};

}  // namespace lb::bench
