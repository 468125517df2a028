// An admin call that cannot be answered: a status for people, and for programs what AIP-193 asks
// for: a stable reason, metadata and the fields that are wrong.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"

namespace lb::controlplane {

struct Failure {
  // One field of the request, or one place of a configuration, and what is wrong with it.
  struct Violation {
    std::string field;        // "page_size", "rules[0].listen"
    std::string description;  // With file, line and column where there are any.
  };
  // Most violations sent: they travel in trailing metadata, of which gRPC takes about 8 KiB in all.
  static constexpr size_t kMaxViolations = 20;

  absl::Status status;  // Never OK.
  std::string reason;   // UPPER_SNAKE_CASE, "RULE_NOT_FOUND": part of the API.
  std::map<std::string, std::string> metadata{};
  std::vector<Violation> violations{};
};

// A field of the request whose value is not allowed, and what is wrong with it.
inline Failure FieldFailure(const std::string& field, const std::string& what,
                            const std::string& reason = "FIELD_INVALID") {
  return {
      absl::InvalidArgumentError(field + ": " + what), reason, {{"field", field}}, {{field, what}}};
}

// No answer yet: a Reply follows in a later turn.
struct Later {};

// An answer, or why there is none.
template <typename Answer>
using Outcome = std::variant<Answer, Failure, Later>;

}  // namespace lb::controlplane
