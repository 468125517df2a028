// Endpoint::Parse on any text: what it accepts has a canonical form that parses to the same value
// and is its own canonical form.

#include <string_view>

#include "base/check.h"
#include "base/endpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto port_zero : {lb::Endpoint::PortZero::kRefuse, lb::Endpoint::PortZero::kAllow}) {
    const absl::StatusOr<lb::Endpoint> first = lb::Endpoint::Parse(text, port_zero);
    if (!first.ok()) {
      LB_CHECK(!first.status().message().empty());
      continue;
    }
    const std::string canonical = first->ToString();
    const absl::StatusOr<lb::Endpoint> second = lb::Endpoint::Parse(canonical, port_zero);
    LB_CHECK(second.ok());
    LB_CHECK(*second == *first);
    LB_CHECK(second->ToString() == canonical);
    if (first->IsResolved()) LB_CHECK(first->ToSocketAddress().length > 0);
  }
  return 0;
}
