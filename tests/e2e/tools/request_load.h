// A crowd of HTTP clients, each with one connection after the other and one request on each.
//
// Counts by the name in the answer which server it came from, and by kind what went wrong:
// an errno's name, "closed" (a FIN before the answer), "timeout", "bad_answer". Threading: the
// loop's.
#pragma once

#include <cstdint>
#include <memory>

#include "base/endpoint.h"
#include "tests/e2e/tools/event_loop.h"

namespace lb::testpeer {

class RequestLoad final {
 public:
  static constexpr std::chrono::milliseconds kReportInterval{100};
  // 127.64.0.0 is the first of those that can be asked for.
  static constexpr uint64_t kMaxSources = uint64_t{1} << 22;

  struct Options {
    Endpoint target;
    uint64_t sources = 0;        // Addresses that connections come from in turn; 0: the system's.
    uint64_t first_source = 0;   // By number.
    uint64_t connections = 0;    // In all; 0: until Finish().
    uint64_t clients = 1;        // At once.
    uint64_t hold_ms_max = 0;    // A connection stays open for 0 to this long after its answer.
    uint64_t reset_percent = 0;  // So many of the connections are closed with a reset.
    uint64_t pause_ms = 0;       // Of each client, between two connections.
    uint64_t pause_after_error_ms = 10;  // So that a refused crowd does not spin.
    uint64_t spread_percent = 0;  // Each pause is shorter by up to so many percent, at random.
    std::chrono::milliseconds timeout{10'000};  // From connect to answer.
    uint64_t seed = 1;
  };

  RequestLoad(EventLoop& loop, const Options& options);
  ~RequestLoad();

  void Start();

  // Opens no more connections; the loop stops when the open ones are done.
  void Finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lb::testpeer
