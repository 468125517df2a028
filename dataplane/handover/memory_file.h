// A file in memory that is passed to another process by its descriptor. Threading: none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace lb::dataplane {

// More than any snapshot (kMaxSnapshotBytes) and what goes with it.
inline constexpr size_t kMaxMemoryFileBytes = 128u << 20;

// Makes one with this content, which nobody can change any more (memfd_create(2), F_SEAL_WRITE).
// Errors: ResourceExhausted, what the system refused, or more than kMaxMemoryFileBytes.
absl::StatusOr<UniqueFd> MakeMemoryFile(std::string_view content);

// Reads a whole one. Errors: InvalidArgument: it is not sealed, or larger than kMaxMemoryFileBytes;
// Internal: it cannot be read.
absl::StatusOr<std::string> ReadMemoryFile(int fd);

}  // namespace lb::dataplane
