// Clients and backend of one workload, driven a batch of events at a time. Threading: one thread.
#pragma once

#include <cstdint>

#include "tests/bench/load/connections.h"
#include "tests/bench/load/exchanges.h"
#include "tests/bench/load/meter.h"
#include "tests/bench/load/streams.h"
#include "tests/bench/load/workload.h"

namespace lb::bench {

class Generator final {
 public:
  // All three outlive this.
  Generator(const Workload& workload, Connections& connections, Meter& meter);

  // Opens so many more clients' connections. One that fails is opened again, so the number stays.
  void Open(uint32_t count);

  // Waits for one batch of events, a bounded time, and handles it.
  void Turn();

  // Connections that had their exchange and are held (kIdle).
  uint32_t held() const { return exchanges_.held(); }

 private:
  void OpenOne();
  void AcceptSome();
  void OnEvent(Connection& connection, uint32_t events);

  const Workload& workload_;
  Connections& connections_;
  Exchanges exchanges_;
  Streams streams_;
};

}  // namespace lb::bench
