// Requests and responses of fixed sizes: the traffic of every mode but streams.
//
// Both roles are edge-triggered and read no further than what they expect, so a round trip costs
// each side one send(2) and one recv(2). Threading: one thread.
#pragma once

#include <cstdint>

#include "tests/bench/load/connections.h"
#include "tests/bench/load/meter.h"
#include "tests/bench/load/workload.h"

namespace lb::bench {

class Exchanges final {
 public:
  // All three outlive this.
  Exchanges(const Workload& workload, Connections& connections, Meter& meter);

  // Opens a client's connection and sends its request as soon as that goes.
  void Open();

  // Takes one waiting connection into the backend; false when there is none.
  bool Accept();

  // Goes on with a connection as far as its socket allows.
  void OnEvent(Connection& connection, uint32_t events);

  // Clients' connections that failed and were not opened again. The caller does that, between two
  // batches: within one, a balancer that refuses everything would nest calls without end.
  uint32_t TakeFailed();

  // Connections that had their exchange and are held (kIdle).
  uint32_t held() const { return held_; }

 private:
  // Each does one step; true when the next may be tried at once.
  bool Step(Connection& connection);
  bool Send(Connection& connection);
  bool Receive(Connection& connection);
  bool AwaitClose(Connection& connection);
  bool Hold(Connection& connection);

  bool OnResponse(Connection& connection);
  void EndConnection(Connection& connection);
  // `error`: an errno, 0 when the other side closed. Returns false: there is no next step.
  bool Fail(Connection& connection, int error);

  const Workload& workload_;
  Connections& connections_;
  Meter& meter_;
  uint32_t failed_ = 0;
  uint32_t held_ = 0;
};

}  // namespace lb::bench
