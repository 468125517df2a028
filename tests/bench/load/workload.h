// What the generator does, as given on its command line. Plain values.
#pragma once

#include <cstdint>

namespace lb::bench {

struct Workload {
  enum class Mode {
    kConnections,  // Connect, one exchange, close; then the next connection.
    kRequests,     // One exchange after the other on connections that stay open.
    kStreams,      // As many bytes as go through, on connections that stay open.
    kIdle,         // One exchange on each of many connections, which are then held.
  };

  Mode mode = Mode::kRequests;
  uint32_t connections = 1;  // Open at once.
  uint64_t request_bytes = 64;
  uint64_t response_bytes = 64;
  // Who closes after an exchange of kConnections; the client otherwise.
  bool server_closes = false;
  // Which way kStreams sends.
  bool to_clients = true;
  bool to_servers = false;
};

}  // namespace lb::bench
