// Who watches resources, and how far each is. Plain values; threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/time.h"
#include "controlplane/events/resource_book.h"
#include "controlplane/loop/ids.h"

namespace lb::controlplane {

struct ResourceWatch {
  ResourceScope scope;
  uint64_t said = 0;   // The change up to which all was sent.
  uint64_t begin = 0;  // Of what was gone before it began it need not know.
  bool synced = false;
};

using ResourceWatches = std::map<RequestId, ResourceWatch>;

// When resources are looked at for those who watch.
struct ResourceLooks {
  Instant next{};      // Not before.
  bool wanted = true;  // Something happened since the last look, or was left to be sent.
};

}  // namespace lb::controlplane
