#include "dataplane/forward/dial.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "base/system_calls.h"
#include "dataplane/forward/socket_options.h"

namespace lb::dataplane {
namespace {

Dialed Failed(ConnectFailure failure) { return {.fd = UniqueFd(), .failure = failure}; }

// One connect; `source` may be nullptr.
Dialed DialFrom(const SocketAddress& backend, const SocketAddress* source) {
  SocketResult made = MakeStreamSocket(backend.family());
  if (!made.fd.valid()) return Failed(ClassifyConnectError(made.error));
  if (source != nullptr && BindSource(made.fd.get(), *source) != 0)
    return Failed(ConnectFailure::kNoSource);
  if (raw::Connect(made.fd.get(), backend.get(), backend.length) == 0)
    return {.fd = std::move(made.fd), .connected = true};
  // connect(2): when interrupted, the connect goes on in the background as well.
  if (errno == EINPROGRESS || errno == EINTR) return {.fd = std::move(made.fd)};
  Dialed failed = Failed(ClassifyConnectError(errno));
  if (failed.failure == ConnectFailure::kNoPort) failed.ports_exhausted = 1;
  return failed;
}

// Another source may help.
bool BlamesSource(ConnectFailure failure) {
  return failure == ConnectFailure::kNoPort || failure == ConnectFailure::kNoSource;
}

}  // namespace

Dialed DialFromSources(const SocketAddress& backend, const std::vector<SocketAddress>& sources,
                       size_t turn) {
  Dialed last;
  bool tried = false;
  uint32_t exhausted = 0;
  for (size_t i = 0; i < sources.size(); ++i) {
    const SocketAddress& source = sources[(turn + i) % sources.size()];
    if (source.family() != backend.family()) continue;
    tried = true;
    last = DialFrom(backend, &source);
    exhausted += last.ports_exhausted;
    if (last.fd.valid() || !BlamesSource(last.failure)) break;
  }
  if (!tried) return DialFrom(backend, nullptr);
  last.ports_exhausted = exhausted;
  return last;
}

}  // namespace lb::dataplane
