#include "tests/bench/load/streams.h"

#include <sys/epoll.h>

#include <cerrno>
#include <utility>

namespace lb::bench {
namespace {

// Calls per event; each moves up to Connections::kBufferBytes.
constexpr int kReceivesPerEvent = 4;
constexpr int kSendsPerEvent = 2;

constexpr auto kWhole = static_cast<ssize_t>(Connections::kBufferBytes);

}  // namespace

Streams::Streams(const Workload& workload, Connections& connections, Meter& meter)
    : workload_(workload), connections_(connections), meter_(meter) {}

bool Streams::Sends(Connection::Role role) const {
  return role == Connection::Role::kClient ? workload_.to_servers : workload_.to_clients;
}

bool Streams::Receives(Connection::Role role) const {
  return role == Connection::Role::kClient ? workload_.to_clients : workload_.to_servers;
}

uint32_t Streams::EventsOf(Connection::Role role) const {
  uint32_t events = 0;
  if (Sends(role)) events |= EPOLLOUT;
  if (Receives(role)) events |= EPOLLIN;
  return events;
}

void Streams::Open() {
  if (connections_.Connect(EventsOf(Connection::Role::kClient)) != nullptr) return;
  meter_.CountError(errno);
  ++failed_;
}

bool Streams::Accept() {
  return connections_.Accept(EventsOf(Connection::Role::kServer)) != nullptr;
}

void Streams::OnEvent(Connection& connection, uint32_t events) {
  constexpr uint32_t kEnded = EPOLLHUP | EPOLLERR;
  if (Receives(connection.role)) {
    if ((events & (EPOLLIN | kEnded)) != 0 && !Drain(connection)) return;
  } else if ((events & kEnded) != 0) {
    Fail(connection, ECONNRESET);
    return;
  }
  if (Sends(connection.role) && (events & EPOLLOUT) != 0) Fill(connection);
}

uint32_t Streams::TakeFailed() { return std::exchange(failed_, 0); }

bool Streams::Drain(Connection& connection) {
  const bool is_client = connection.role == Connection::Role::kClient;
  uint64_t& bytes = is_client ? meter_.bytes_to_clients : meter_.bytes_to_servers;
  for (int i = 0; i < kReceivesPerEvent; ++i) {
    const ssize_t got = connections_.Discard(connection, Connections::kBufferBytes);
    if (got == Connections::kNotNow) return true;
    if (got <= 0) return Fail(connection, got == 0 ? 0 : errno);
    if (meter_.measuring) bytes += static_cast<uint64_t>(got);
    if (got < kWhole) return true;  // That was all there is.
  }
  return true;
}

bool Streams::Fill(Connection& connection) {
  for (int i = 0; i < kSendsPerEvent; ++i) {
    const ssize_t sent = connections_.Send(connection, Connections::kBufferBytes);
    if (sent == Connections::kBroken) return Fail(connection, errno);
    if (sent < kWhole) return true;
  }
  return true;
}

bool Streams::Fail(Connection& connection, int error) {
  connections_.Close(connection);
  if (connection.role == Connection::Role::kServer) return false;
  meter_.CountError(error);
  ++failed_;
  return false;
}

}  // namespace lb::bench
