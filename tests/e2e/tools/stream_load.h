// Long-lived connections that send a pattern to an echo server and compare what comes back, byte
// for byte, both directions at once.
//
// Reports each kReportInterval: established, open, bytes (echoed and right), max_gap_ms (the
// longest any connection waited for a byte while some were owed), and how connections ended:
// "complete" (everything came back, then a FIN), or "mismatch", "short" (an early FIN), "stalled"
// (too little at the end), an errno's name. Threading: the loop's.
#pragma once

#include <cstdint>
#include <memory>

#include "base/endpoint.h"
#include "tests/e2e/tools/event_loop.h"

namespace lb::testpeer {

class StreamLoad final {
 public:
  static constexpr std::chrono::milliseconds kReportInterval{100};
  // From Finish(), the time all connections have to get what they are owed and to end.
  static constexpr std::chrono::seconds kFinishTimeout{30};

  struct Options {
    Endpoint target;
    uint64_t connections = 1;
    uint64_t chunk_bytes = 4096;
    std::chrono::milliseconds interval{100};  // Of each connection, between two chunks.
    uint64_t window_bytes = 256 * 1024;       // No more is sent while so much is owed.
  };

  StreamLoad(EventLoop& loop, const Options& options);
  ~StreamLoad();

  void Start();

  // Sends no more; each connection gets its FIN when everything came back.
  void Finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lb::testpeer
