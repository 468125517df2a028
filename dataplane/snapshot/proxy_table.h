// What a rule does with PROXY headers, laid out for reading. A part of tables.h. Plain values;
// threading: none.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/access/access_list.h"
#include "dataplane/proxy/write.h"

namespace lb::dataplane {

struct ProxyTable {
  // The clients that must send a header; nullopt: none is read.
  std::optional<AccessList> accept_from;
  bool refuse_others = false;  // Else they are taken as they are.
  uint64_t header_timeout_ms = 0;
  proxy::Version send = proxy::Version::kNone;  // To backends.

  friend bool operator==(const ProxyTable&, const ProxyTable&) = default;
};

}  // namespace lb::dataplane
