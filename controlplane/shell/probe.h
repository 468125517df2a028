// One health check on the wire: a TCP connect, a TLS handshake where it is asked for, then what the
// check's protocol says (http_check.h, grpc_check.h).
//
// All checks but HTTP's close by reset (socket(7), SO_LINGER), so that ten thousand checks every
// few seconds leave no TIME_WAIT entries behind. An HTTP check is over for its caller when the
// header is read; the connection then takes the rest of a small body until the deadline, so that an
// ordinary server sees an ordinary end, and is reset when there is more.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <functional>

#include "controlplane/loop/action.h"
#include "controlplane/shell/probe_result.h"
#include "controlplane/shell/probe_tls.h"

namespace lb::controlplane {

// Of all that is read before there is a result: far more than a handshake and a header take.
inline constexpr size_t kMaxProbeReadBytes = 256 * 1024;

struct ProbeCallbacks {
  // Once, at the latest when request.timeout has passed since RunProbe().
  std::function<void(ProbeResult)> on_result;
  // Once, after on_result, when the socket is closed.
  std::function<void()> on_closed;
};

// Runs one check on `io`'s one thread; neither callback is called before this returns. A probe that
// is still running when `io` is destroyed ends without a callback. `contexts` is used before this
// returns only.
void RunProbe(boost::asio::io_context& io, ProbeTlsContexts& contexts, const StartProbe& request,
              ProbeCallbacks callbacks);

}  // namespace lb::controlplane
