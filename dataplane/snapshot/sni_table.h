// Where a rule sends its clients by the name that they ask for in their ClientHello.
//
// Each route is a table of its own with the rule's settings and the route's backends: choosing one,
// hashing, panic and waiting for a slot are about these alone. Threading: immutable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace lb::dataplane {

struct RuleTable;

struct SniTable {
  // By number; 0 is the one of clients that no route takes.
  std::vector<std::shared_ptr<const RuleTable>> routes;
  // The first name of each; empty for 0.
  std::vector<std::string> first_names;
  // The route of each name; "*.example.com" stands as ".example.com".
  absl::flat_hash_map<std::string, uint32_t> names;

  // The number of the route that takes a client which asks for `server_name`, in the form of
  // tls::CanonicalServerName: that of the name itself, else that of the wildcard for its first
  // label, else 0.
  uint32_t RouteOf(std::string_view server_name) const;
};

// True when both are nullptr, or have the same names for the same routes.
bool SameNames(const SniTable* a, const SniTable* b);

}  // namespace lb::dataplane
