// The name of one backend of one rule: what health, slots and statistics are kept by. Slots of the
// rule itself, for its clients, have no backend. Plain value.
#pragma once

#include <compare>
#include <string>

namespace lb::controlplane {

struct BackendKey {
  std::string rule;
  std::string backend;  // Empty: the rule itself.

  friend auto operator<=>(const BackendKey&, const BackendKey&) = default;
};

}  // namespace lb::controlplane
