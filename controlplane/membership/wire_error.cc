#include "controlplane/membership/wire_error.h"

#include "base/check.h"

namespace lb::controlplane::swim {

const char* WireErrorName(WireError error) {
  static constexpr const char* kNames[kWireErrors] = {
      "none",         "too_long",        "bad_label",    "plaintext",    "sealed",     "bad_key",
      "bad_checksum", "bad_compression", "bad_compound", "unknown_type", "bad_message"};
  const auto index = static_cast<int>(error);
  LB_CHECK(index < kWireErrors);
  return kNames[index];
}

}  // namespace lb::controlplane::swim
