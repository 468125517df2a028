#include "tests/bench/load/generator.h"

namespace lb::bench {
namespace {

// So that a burst of new connections does not hold up those that are open.
constexpr int kAcceptsPerEvent = 64;

}  // namespace

Generator::Generator(const Workload& workload, Connections& connections, Meter& meter)
    : workload_(workload),
      connections_(connections),
      exchanges_(workload, connections, meter),
      streams_(workload, connections, meter) {}

void Generator::Open(uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) OpenOne();
}

void Generator::Turn() {
  for (const epoll_event& event : connections_.Wait()) {
    auto* const connection = static_cast<Connection*>(event.data.ptr);
    if (connection == nullptr) {
      AcceptSome();
    } else if (connection->fd.valid()) {  // Else closed earlier in this batch.
      OnEvent(*connection, event.events);
    }
  }
  Open(exchanges_.TakeFailed() + streams_.TakeFailed());
}

void Generator::OpenOne() {
  if (workload_.mode == Workload::Mode::kStreams) return streams_.Open();
  exchanges_.Open();
}

void Generator::AcceptSome() {
  const bool streams = workload_.mode == Workload::Mode::kStreams;
  for (int i = 0; i < kAcceptsPerEvent; ++i) {
    if (!(streams ? streams_.Accept() : exchanges_.Accept())) return;
  }
}

void Generator::OnEvent(Connection& connection, uint32_t events) {
  if (workload_.mode == Workload::Mode::kStreams) return streams_.OnEvent(connection, events);
  exchanges_.OnEvent(connection, events);
}

}  // namespace lb::bench
