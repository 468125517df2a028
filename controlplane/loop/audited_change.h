// Changes that are not answered yet, and what they are about: for the audit trail. Plain values;
// threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "controlplane/loop/ids.h"

namespace lb::controlplane {

struct AuditedChange {
  enum class Of : uint8_t {
    kNothing,
    kConfig,
    kConfirmation,
    kBackend,
    kWorker,
    kLog,
    kOperation,
    kMember,
    kKeys
  };
  Of of = Of::kNothing;
  std::string name;    // Of the resource or component.
  std::string before;  // As the last turn left it.
};

using AuditedChanges = std::map<RequestId, AuditedChange>;

}  // namespace lb::controlplane
