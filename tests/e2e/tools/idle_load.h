// A crowd of connections to an echo server that stay silent between rounds. In a round each one
// sends a message and takes it back, byte for byte, a bounded number of them at a time; the first
// round opens them, each line on stdin asks for another.
//
// Reports each kReportInterval: rounds (asked for), open, echoed (connections that have their
// message of the newest round back), and how connections ended, though they should not: an errno's
// name, "closed" (a FIN), "mismatch". Threading: the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/endpoint.h"
#include "tests/e2e/tools/event_loop.h"

namespace lb::testpeer {

class IdleLoad final {
 public:
  static constexpr std::chrono::milliseconds kReportInterval{100};
  // Small enough for an idle connection to take at once.
  static constexpr uint64_t kMaxMessageBytes = 16 * 1024;

  struct Options {
    Endpoint target;
    std::optional<Endpoint> source;  // Where the connections come from; its port is 0.
    uint64_t connections = 1;
    uint64_t message_bytes = 1024;  // 1 to kMaxMessageBytes.
    uint64_t at_once = 128;         // Connections of a round under way.
  };

  IdleLoad(EventLoop& loop, const Options& options);
  ~IdleLoad();

  void Start();

  // Closes everything; the loop stops.
  void Finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lb::testpeer
