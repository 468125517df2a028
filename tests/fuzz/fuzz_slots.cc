// A word about slots of any bytes: DecodeSlots decides within its bounds, and what was read can be
// written again, in as many texts as it takes, and merged.

#include <string>
#include <string_view>

#include "base/check.h"
#include "controlplane/budget/slot_rights.h"
#include "controlplane/budget/slot_word.h"

using lb::controlplane::DecodeSlots;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto word = DecodeSlots({reinterpret_cast<const char*>(data), size});
  if (!word) return 0;
  lb::controlplane::SlotRights direct;
  for (const auto& told : word->told) direct.Merge(told.host, told.row);
  lb::controlplane::SlotRights again;
  for (const std::string& text : EncodeSlots(word->round, word->told)) {
    LB_CHECK(text.size() <= lb::controlplane::kMaxSlotTextBytes);
    const auto part = DecodeSlots(text);
    LB_CHECK(part.has_value());
    for (const auto& told : part->told) again.Merge(told.host, told.row);
  }
  LB_CHECK(direct.total() == again.total() && direct.rights() == again.rights());
  return 0;
}
