#include "tests/bench/load/exchanges.h"

#include <sys/epoll.h>

#include <cerrno>
#include <utility>

#include "base/time.h"
#include "tests/e2e/tools/sockets.h"

namespace lb::bench {
namespace {

constexpr uint32_t kEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

Instant Now() { return ReadClocks().steady; }

// The outcome of a receive that gave nothing more: an errno, or 0 for the other side's FIN.
int ErrorOf(ssize_t got) { return got == 0 ? 0 : errno; }

}  // namespace

Exchanges::Exchanges(const Workload& workload, Connections& connections, Meter& meter)
    : workload_(workload), connections_(connections), meter_(meter) {}

void Exchanges::Open() {
  const Instant began = Now();
  Connection* const connection = connections_.Connect(kEvents);
  if (connection == nullptr) {
    meter_.CountError(errno);
    ++failed_;
    return;
  }
  connection->began = began;
  connection->step = Connection::Step::kSend;
  connection->to_send = workload_.request_bytes;
  // On loopback the handshake is done when connect(2) returns.
  Send(*connection);
}

bool Exchanges::Accept() {
  Connection* const connection = connections_.Accept(kEvents);
  if (connection == nullptr) return false;
  connection->step = Connection::Step::kReceive;
  connection->to_receive = workload_.request_bytes;
  return true;
}

void Exchanges::OnEvent(Connection& connection, uint32_t events) {
  const bool connecting =
      connection.role == Connection::Role::kClient && connection.step == Connection::Step::kSend;
  if (connecting && (events & (EPOLLERR | EPOLLHUP)) != 0) {
    Fail(connection, testpeer::TakeError(connection.fd.get()));
    return;
  }
  while (Step(connection)) {
  }
}

uint32_t Exchanges::TakeFailed() { return std::exchange(failed_, 0); }

bool Exchanges::Step(Connection& connection) {
  switch (connection.step) {
    case Connection::Step::kSend:
      return Send(connection);
    case Connection::Step::kReceive:
      return Receive(connection);
    case Connection::Step::kAwaitClose:
      return AwaitClose(connection);
    case Connection::Step::kHold:
      return Hold(connection);
  }
  return false;
}

bool Exchanges::Send(Connection& connection) {
  while (connection.to_send > 0) {
    const ssize_t sent = connections_.Send(connection, connection.to_send);
    if (sent == Connections::kNotNow) return false;
    if (sent == Connections::kBroken) return Fail(connection, errno);
    connection.to_send -= static_cast<uint64_t>(sent);
  }
  const bool is_client = connection.role == Connection::Role::kClient;
  if (!is_client && workload_.server_closes) {
    connections_.Close(connection);
    return false;
  }
  connection.step = Connection::Step::kReceive;
  connection.to_receive = is_client ? workload_.response_bytes : workload_.request_bytes;
  return false;  // Whatever comes next is a new edge.
}

bool Exchanges::Receive(Connection& connection) {
  while (connection.to_receive > 0) {
    const ssize_t got = connections_.Receive(connection, connection.to_receive);
    if (got == Connections::kNotNow) return false;
    if (got <= 0) return Fail(connection, ErrorOf(got));
    connection.to_receive -= static_cast<uint64_t>(got);
  }
  if (connection.role == Connection::Role::kClient) return OnResponse(connection);
  connection.step = Connection::Step::kSend;
  connection.to_send = workload_.response_bytes;
  return true;
}

bool Exchanges::OnResponse(Connection& connection) {
  switch (workload_.mode) {
    case Workload::Mode::kRequests: {
      const Instant now = Now();
      meter_.CountOperation(now - connection.began);
      connection.began = now;
      connection.step = Connection::Step::kSend;
      connection.to_send = workload_.request_bytes;
      return true;
    }
    case Workload::Mode::kIdle:
      ++held_;
      connection.step = Connection::Step::kHold;
      return false;
    default:
      if (workload_.server_closes) {
        connection.step = Connection::Step::kAwaitClose;
        return true;  // The FIN may have come with the response, in the same edge.
      }
      EndConnection(connection);
      return false;
  }
}

bool Exchanges::AwaitClose(Connection& connection) {
  const ssize_t got = connections_.Receive(connection, 1);
  if (got == Connections::kNotNow) return false;
  if (got == Connections::kBroken) return Fail(connection, errno);
  if (got > 0) return true;
  EndConnection(connection);
  return false;
}

bool Exchanges::Hold(Connection& connection) {
  const ssize_t got = connections_.Receive(connection, 1);
  if (got == Connections::kNotNow) return false;
  if (got > 0) return true;
  --held_;
  return Fail(connection, ErrorOf(got));
}

void Exchanges::EndConnection(Connection& connection) {
  meter_.CountOperation(Now() - connection.began);
  connections_.Close(connection);
  Open();
}

bool Exchanges::Fail(Connection& connection, int error) {
  connections_.Close(connection);
  // A backend's connection just ends with its client's; what went wrong is counted there.
  if (connection.role == Connection::Role::kServer) return false;
  meter_.CountError(error);
  ++failed_;
  return false;
}

}  // namespace lb::bench
