// One thing wrong, or doubtful, in a configuration, with its place. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lb::controlplane {

struct Finding {
  enum class Severity { kWarning, kError };

  Severity severity = Severity::kError;
  std::string code;     // Stable: "LB0102".
  std::string message;  // "unknown key 'lisen'"
  std::string field;    // "rules[0].lisen"
  uint32_t line = 0;    // 1-based; 0 when the finding is about the whole file.
  uint32_t column = 0;  // 1-based, in characters.
  uint32_t width = 0;   // Characters to underline from `column`.
  std::string hint;     // "did you mean 'listen'?", or empty.

  friend bool operator==(const Finding&, const Finding&) = default;
};

using Findings = std::vector<Finding>;

// Most findings kept of one file; the rest are counted.
inline constexpr size_t kMaxFindings = 100;

}  // namespace lb::controlplane
