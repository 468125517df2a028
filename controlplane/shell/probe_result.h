// What one health check found out. Plain values; threading: none.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

namespace lb::controlplane {

inline constexpr size_t kMaxProbeHeaderBytes = 16 * 1024;  // Of a response; more is a failure.
inline constexpr size_t kMaxProbeBodyBytes = 64 * 1024;    // Read and dropped; the rest is reset.

struct ProbeResult {
  enum class Outcome {
    kPassed,
    kFailed,
    kNoResources,  // No descriptor or memory here: says nothing about the backend.
  };

  static ProbeResult Passed(std::string detail) { return {Outcome::kPassed, std::move(detail)}; }
  static ProbeResult Failed(std::string detail) { return {Outcome::kFailed, std::move(detail)}; }

  Outcome outcome = Outcome::kFailed;
  std::string detail;  // "HTTP 503", "connect refused", "timeout after 1000 ms"
};

}  // namespace lb::controlplane
