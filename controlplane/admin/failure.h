// An admin call that cannot be answered: a status for people and a reason for programs.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "absl/status/status.h"

namespace lb::controlplane {

struct Failure {
  absl::Status status;
  std::string reason;  // "RULE_NOT_FOUND"
};

// An answer, or why there is none.
template <typename Answer>
using Outcome = std::variant<Answer, Failure>;

}  // namespace lb::controlplane
