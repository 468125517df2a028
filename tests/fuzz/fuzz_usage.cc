// A datagram about usage of any bytes: UsageOpener and DecodeUsage decide within their bounds, and
// what was read can be written again.

#include <string>
#include <string_view>

#include "base/check.h"
#include "controlplane/budget/usage_word.h"
#include "controlplane/membership/usage_seal.h"

namespace swim = lb::controlplane::swim;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  swim::UsageOpener::Opened opened;
  for (const bool sealed : {false, true}) {
    swim::UsageOpener opener(
        sealed ? std::vector<std::string>{std::string(32, 'k')} : std::vector<std::string>(), "",
        2);
    opener.Expect("a", 1);
    const swim::UsageError first = opener.Open(bytes, opened);
    LB_CHECK(!sealed || first != swim::UsageError::kNone);
    LB_CHECK(first != swim::UsageError::kNone ||
             opener.Open(bytes, opened) == swim::UsageError::kReplay);
  }
  const auto word = lb::controlplane::DecodeUsage(bytes);
  if (!word) return 0;
  const auto again = lb::controlplane::DecodeUsage(lb::controlplane::EncodeUsage(*word));
  LB_CHECK(again && again->clients.size() == word->clients.size());
  return 0;
}
