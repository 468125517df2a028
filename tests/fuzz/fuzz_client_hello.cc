// ParseClientHello on any bytes: it decides within its bounds, never takes back what it said once
// more bytes have come, and tells only names that a route could have.

#include <algorithm>
#include <string_view>

#include "base/check.h"
#include "dataplane/tls/client_hello.h"

namespace tls = lb::dataplane::tls;
using State = tls::ParsedHello::State;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const tls::ParsedHello parsed = tls::ParseClientHello(bytes);
  LB_CHECK(parsed.state != State::kNeedMore || size < tls::kMaxClientHelloBytes);
  LB_CHECK((parsed.why != nullptr) == (parsed.state == State::kBad));
  LB_CHECK(tls::CanonicalServerName(parsed.server_name) == parsed.server_name);

  // A part of what was not refused is not refused.
  if (parsed.state == State::kBad || size == 0) return 0;
  const tls::ParsedHello part = tls::ParseClientHello(bytes.substr(0, size / 2));
  LB_CHECK(part.state != State::kBad);
  LB_CHECK(part.state == State::kNeedMore || part.server_name == parsed.server_name);
  return 0;
}
