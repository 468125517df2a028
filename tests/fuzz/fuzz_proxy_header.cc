// proxy::Parse on any bytes: it decides within its bounds, needs every byte of a header, no byte
// behind it, and what it accepts can be written and read again.

#include <string_view>

#include "base/check.h"
#include "dataplane/proxy/parse.h"
#include "dataplane/proxy/tlv.h"
#include "dataplane/proxy/write.h"

namespace proxy = lb::dataplane::proxy;
using State = proxy::Parsed::State;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const proxy::Parsed parsed = proxy::Parse(bytes);
  LB_CHECK(parsed.state != State::kNeedMore || size < proxy::kMaxHeaderBytes);
  LB_CHECK((parsed.why != nullptr) == (parsed.state == State::kBad));
  if (parsed.state != State::kHeader) return 0;

  LB_CHECK(parsed.bytes <= size && parsed.bytes <= proxy::kMaxHeaderBytes);
  const proxy::Parsed exact = proxy::Parse(bytes.substr(0, parsed.bytes));
  LB_CHECK(exact.state == State::kHeader && exact.header == parsed.header);
  LB_CHECK(proxy::Parse(bytes.substr(0, parsed.bytes - 1)).state == State::kNeedMore);
  LB_CHECK(proxy::TlvProblem(parsed.header.tlvs) == nullptr);
  if (!parsed.header.has_addresses) return 0;
  for (const auto version : {proxy::Version::k1, proxy::Version::k2}) {
    const proxy::Parsed again =
        proxy::Parse(proxy::WriteHeader(version, parsed.header.source, parsed.header.destination));
    LB_CHECK(again.state == State::kHeader);
    LB_CHECK(again.header.source == parsed.header.source);
    LB_CHECK(again.header.destination == parsed.header.destination);
  }
  return 0;
}
