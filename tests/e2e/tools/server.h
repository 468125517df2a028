// A backend for tests. A connection whose first byte is 'G' is HTTP: each request is answered with
// 200 and the server's name, and the connection is kept open. Any other connection is echoed until
// its FIN, which is answered with a FIN.
//
// Reports each kReportInterval: accepted, open, peak (open connections), requests, checks (requests
// for /health) and errors. Threading: the loop's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "tests/e2e/tools/event_loop.h"

namespace lb::testpeer {

class Server final {
 public:
  static constexpr std::chrono::milliseconds kReportInterval{100};

  struct Options {
    std::string name;
    Endpoint listen;
  };

  Server(EventLoop& loop, Options options);
  ~Server();

  // Listens and starts to serve; the error when it cannot.
  absl::Status Start();

  // Writes a last report.
  void Finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lb::testpeer
