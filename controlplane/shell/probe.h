// One health check on the wire: a TCP connect, or an HTTP/1.1 GET judged by its status line.
//
// Source: RFC 9112 for the request. A TCP check closes by reset (socket(7), SO_LINGER), so that ten
// thousand checks every few seconds leave no TIME_WAIT entries behind. An HTTP check is over for
// its caller when the header is read; the connection then takes the rest of a small body until the
// deadline, so that an ordinary server sees an ordinary end, and is reset when there is more.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <string>

#include "controlplane/loop/action.h"

namespace lb::controlplane {

inline constexpr size_t kMaxProbeHeaderBytes = 16 * 1024;  // Of a response; more is a failure.
inline constexpr size_t kMaxProbeBodyBytes = 64 * 1024;    // Read and dropped; the rest is reset.

struct ProbeResult {
  enum class Outcome {
    kPassed,
    kFailed,
    kNoResources,  // No descriptor or memory here: says nothing about the backend.
  };

  Outcome outcome = Outcome::kFailed;
  std::string detail;  // "HTTP 503", "connect refused", "timeout after 1000 ms"
};

struct ProbeCallbacks {
  // Once, at the latest when request.timeout has passed since RunProbe().
  std::function<void(ProbeResult)> on_result;
  // Once, after on_result, when the socket is closed.
  std::function<void()> on_closed;
};

// Runs one check on `io`'s one thread; neither callback is called before this returns. A probe that
// is still running when `io` is destroyed ends without a callback.
void RunProbe(boost::asio::io_context& io, const StartProbe& request, ProbeCallbacks callbacks);

}  // namespace lb::controlplane
