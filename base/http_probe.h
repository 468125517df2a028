// A small HTTP/1.1 client that asks a program's own HttpServer for one page: `--probe PATH` of both
// programs, so that a kubelet or a script needs no curl beside them.
//
// Bounded: one request, one deadline for all of it, kMaxBodyBytes of body. Threading: it blocks the
// caller and needs no loop of his.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/endpoint.h"
#include "base/http_server.h"

namespace lb {

class HttpProbe final {
 public:
  static constexpr std::chrono::milliseconds kDeadline{1000};
  static constexpr size_t kMaxPathBytes = 1024;
  static constexpr size_t kMaxBodyBytes = size_t{16} << 20;

  // OK for what may stand in a request line: "/readyz"; else InvalidArgument.
  static absl::Status CheckPath(const std::string& path);

  // GETs `path` (which CheckPath accepts) from a resolved address. Any status is a reply. Errors:
  // the address with what went wrong; DeadlineExceeded after `deadline`.
  static absl::StatusOr<HttpReply> Get(const Endpoint& address, const std::string& path,
                                       std::chrono::milliseconds deadline = kDeadline);

  // Prints the page to standard output, or why there is none to standard error after `program`.
  // Returns the exit code: 0 for status 200, else 1.
  static int Run(const char* program, const Endpoint& address, const std::string& path);
};

}  // namespace lb
