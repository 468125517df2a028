#include "tests/bench/load/connections.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/check.h"
#include "tests/e2e/tools/sockets.h"

namespace lb::bench {
namespace {

constexpr int kWaitMs = 50;
// 127.0.1.1 and the addresses after it: sixty thousand ports each.
constexpr uint32_t kFirstSource = 0x7f000101;
constexpr uint32_t kSources = 16;

// Binds to an address and leaves the port to connect(2), which can then reuse one that is taken
// for another destination (IP_BIND_ADDRESS_NO_PORT of ip(7)).
bool BindSource(int fd, uint32_t address) {
  const int on = 1;
  sockaddr_in source{};
  source.sin_family = AF_INET;
  source.sin_addr.s_addr = htonl(address);
  return setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) == 0 &&
         bind(fd, reinterpret_cast<const sockaddr*>(&source), sizeof(source)) == 0;
}

static_assert(Connections::kNotNow == kTlsNotNow && Connections::kBroken == kTlsBroken);

}  // namespace

Connections::Connections() : epoll_(epoll_create1(EPOLL_CLOEXEC)), buffer_(kBufferBytes, 'a') {
  LB_CHECK(epoll_.valid());
}

absl::StatusOr<Endpoint> Connections::Listen(const Endpoint& address) {
  auto listener = testpeer::Listen(address);
  if (!listener.ok()) return listener.status();
  listener_ = *std::move(listener);
  Watch(listener_.get(), EPOLLIN, nullptr);
  SocketAddress bound;
  bound.length = sizeof(bound.storage);
  auto* const storage = reinterpret_cast<sockaddr*>(&bound.storage);
  LB_CHECK(getsockname(listener_.get(), storage, &bound.length) == 0);
  return Endpoint::FromSocketAddress(bound);
}

void Connections::Watch(int fd, uint32_t events, Connection* connection) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = connection;
  LB_CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
}

Connection* Connections::Take(UniqueFd fd, Connection::Role role, uint32_t events) {
  if (free_.empty()) free_.push_back(&all_.emplace_back());
  Connection* const connection = free_.back();
  free_.pop_back();
  connection->fd = std::move(fd);
  connection->role = role;
  if (tls_ != nullptr) {
    const int raw = connection->fd.get();
    const bool is_client = role == Connection::Role::kClient;
    connection->tls = is_client ? tls_->NewClient(raw) : tls_->NewServer(raw);
    connection->shook_hands = false;
    // A client that only receives would never begin; what goes wrong shows at the next call.
    if (connection->tls != nullptr && is_client) SSL_do_handshake(connection->tls.get());
  }
  Watch(connection->fd.get(), events, connection);
  return connection;
}

Connection* Connections::Connect(uint32_t events) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  const bool started =
      fd.valid() && setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 &&
      BindSource(fd.get(), kFirstSource + next_source_++ % kSources) &&
      (connect(fd.get(), target_.get(), target_.length) == 0 || errno == EINPROGRESS);
  if (started) return Take(std::move(fd), Connection::Role::kClient, events);
  const int error = errno;
  fd.Reset();
  errno = error;
  return nullptr;
}

Connection* Connections::Accept(uint32_t events) {
  // The listener's TCP_NODELAY is inherited.
  UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd.valid()) return nullptr;
  return Take(std::move(fd), Connection::Role::kServer, events);
}

void Connections::Close(Connection& connection) {
  if (connection.tls != nullptr) {
    if (connection.shook_hands) SSL_shutdown(connection.tls.get());
    connection.tls.reset();
    ERR_clear_error();
  }
  connection.fd.Reset();
  closed_.push_back(&connection);
}

std::span<const epoll_event> Connections::Wait() {
  free_.insert(free_.end(), closed_.begin(), closed_.end());
  closed_.clear();
  const int count = epoll_wait(epoll_.get(), events_.data(), kEventsPerWait, kWaitMs);
  LB_CHECK(count >= 0 || errno == EINTR);
  return {events_.data(), static_cast<size_t>(std::max(count, 0))};
}

ssize_t Connections::Send(Connection& connection, size_t bytes) {
  const size_t length = std::min(bytes, kBufferBytes);
  if (connection.tls != nullptr) {
    return AfterTls(connection, TlsSend(*connection.tls, buffer_.data(), length));
  }
  const ssize_t sent = send(connection.fd.get(), buffer_.data(), length, MSG_NOSIGNAL);
  if (sent >= 0) return sent;
  // ENOTCONN: the connect is still under way.
  return errno == EAGAIN || errno == ENOTCONN ? kNotNow : kBroken;
}

ssize_t Connections::AfterTls(Connection& connection, ssize_t result) {
  if (!connection.shook_hands && SSL_in_init(connection.tls.get()) == 0) {
    connection.shook_hands = true;
    if (!tls_->CountHandshake(*connection.tls)) {
      errno = ENOPROTOOPT;
      return kBroken;
    }
  }
  return result;
}

ssize_t Connections::ReceiveWith(Connection& connection, size_t bytes, int flags) {
  const size_t length = std::min(bytes, kBufferBytes);
  if (connection.tls != nullptr) {
    return AfterTls(connection, TlsReceive(*connection.tls, buffer_.data(), length));
  }
  const ssize_t got = recv(connection.fd.get(), buffer_.data(), length, flags);
  if (got >= 0) return got;
  return errno == EAGAIN ? kNotNow : kBroken;
}

ssize_t Connections::Receive(Connection& connection, size_t bytes) {
  return ReceiveWith(connection, bytes, 0);
}

ssize_t Connections::Discard(Connection& connection, size_t bytes) {
  return ReceiveWith(connection, bytes, MSG_TRUNC);
}

}  // namespace lb::bench
