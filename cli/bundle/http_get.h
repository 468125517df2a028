// GET of one page of the programs' HTTP servers (metrics). Blocks. Threading: none.
#pragma once

#include <chrono>
#include <string>

#include "absl/status/statusor.h"
#include "base/endpoint.h"

namespace lb::cli {

// Largest page that is taken: metrics of 10,000 backends are well below.
inline constexpr size_t kMaxPageBytes = 64 << 20;

// The body of `path` at a resolved address. Unavailable, DeadlineExceeded; Internal for a status
// other than 200.
absl::StatusOr<std::string> HttpGet(const Endpoint& address, const std::string& path,
                                    std::chrono::milliseconds timeout);

}  // namespace lb::cli
