// The name of one backend of one rule: what health, slots and statistics are kept by. Plain value.
#pragma once

#include <compare>
#include <string>

namespace lb::controlplane {

struct BackendKey {
  std::string rule;
  std::string backend;

  friend auto operator<=>(const BackendKey&, const BackendKey&) = default;
};

}  // namespace lb::controlplane
