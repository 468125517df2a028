// A tar archive (POSIX ustar) in memory, and its gzip form. Pure; threading: none.
//
// Format: IEEE Std 1003.1-2017, pax, "ustar Interchange Format"; gzip: RFC 1952, by zlib.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace lb::cli {

class Archive final {
 public:
  // Longest path of an entry: the field of the header.
  static constexpr size_t kMaxPathBytes = 100;

  // `modified_s` is the time of all entries, seconds since the epoch.
  explicit Archive(int64_t modified_s) : modified_s_(modified_s) {}

  // Adds a regular file that its owner alone may read. Requires a path of at most kMaxPathBytes.
  void Add(std::string_view path, std::string_view content);

  // The archive with its end mark.
  std::string Tar() const;

 private:
  int64_t modified_s_;
  std::string entries_;
};

// Compresses; Internal when zlib has no memory.
absl::StatusOr<std::string> Gzip(std::string_view data);

}  // namespace lb::cli
