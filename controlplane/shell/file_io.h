// Whole files: reading with a bound, and replacing atomically. They block: for start-up and helper
// threads. Errors name the path and errno's text. Threading: none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace lb::controlplane {

// Reads at most `max_bytes` of a regular file; a longer file is cut there, so ask for one byte more
// than is allowed to notice one. Never waits for a FIFO or device. Errors: NotFound,
// PermissionDenied, FailedPrecondition for what is no regular file, Unavailable otherwise.
absl::StatusOr<std::string> ReadRegularFile(const std::string& path, size_t max_bytes);

// Writes `bytes` to FOLDER/NAME.new, syncs, renames it to FOLDER/NAME and syncs the folder. The
// file is readable by its owner only.
absl::Status ReplaceFile(const std::string& folder, const std::string& name,
                         std::string_view bytes);

// Writes all of `bytes` and syncs; `path` is for the error's text.
absl::Status WriteAll(int fd, std::string_view bytes, const std::string& path);

// Brings the names in a folder to the disk.
absl::Status SyncFolder(const std::string& folder);

// Returns "WHAT PATH: errno's text" with the status code that fits `error`, an errno.
absl::Status ErrnoStatus(int error, std::string_view what, std::string_view path);

}  // namespace lb::controlplane
