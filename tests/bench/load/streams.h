// Bulk traffic: connections that carry as many bytes as go through, one way or both.
//
// Level-triggered, with a bound on the work per event, so that many streams share evenly. What is
// received is not copied out of the kernel: the generator must not be what is slow. Threading: one
// thread.
#pragma once

#include <cstdint>

#include "tests/bench/load/connections.h"
#include "tests/bench/load/meter.h"
#include "tests/bench/load/workload.h"

namespace lb::bench {

class Streams final {
 public:
  // All three outlive this.
  Streams(const Workload& workload, Connections& connections, Meter& meter);

  void Open();

  // Takes one waiting connection into the backend; false when there is none.
  bool Accept();

  void OnEvent(Connection& connection, uint32_t events);

  // Clients' connections that failed and were not opened again.
  uint32_t TakeFailed();

 private:
  bool Sends(Connection::Role role) const;
  bool Receives(Connection::Role role) const;
  uint32_t EventsOf(Connection::Role role) const;
  // False when the connection is over.
  bool Drain(Connection& connection);
  bool Fill(Connection& connection);
  bool Fail(Connection& connection, int error);

  const Workload& workload_;
  Connections& connections_;
  Meter& meter_;
  uint32_t failed_ = 0;
};

}  // namespace lb::bench
