// What a new configuration changes, in words of resources and fields, and what each change does to
// connections. Pure; threading: none.
//
// The effects are what the data plane does: a connection keeps the backend and the settings that it
// started with until it ends, whatever becomes of its rule (ARCHITECTURE.md, "The data plane").
#pragma once

#include <cstdint>
#include <vector>

#include "controlplane/admin/totals.h"
#include "controlplane/config/config.h"
#include "lb/admin/v1/config.pb.h"

namespace lb::controlplane {

struct Plan {
  // Most changes listed; the rest is counted.
  static constexpr size_t kMaxChanges = 1000;

  std::vector<admin::v1::Change> changes;  // Rules by name, backends by name, then the rest.
  size_t changes_total = 0;
  uint32_t rules_unchanged = 0;
  uint64_t connections = 0;  // Open now, over the rules of `from`.
};

// Compares two configurations; `totals` says what is open.
Plan MakePlan(const Config& from, const Config& to, const Totals& totals);

}  // namespace lb::controlplane
