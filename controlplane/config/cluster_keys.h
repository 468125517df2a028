// Keys of a cluster as people write them: base64 of 16, 24 or 32 bytes. Pure; threading: none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace lb::controlplane {

// A datagram of strangers costs a try with each of them.
inline constexpr size_t kMaxClusterKeys = 4;

// The bytes of one key. InvalidArgument goes on after the name of the value, "is not base64": it
// never has anything of the key in it.
absl::StatusOr<std::string> ParseClusterKey(std::string_view text);

// The keys of a file: one a line, the first seals; empty lines and those that begin with '#' are
// left out. InvalidArgument, likewise, for a bad key, one that is there twice, none, and more than
// kMaxClusterKeys.
absl::StatusOr<std::vector<std::string>> ParseClusterKeys(std::string_view file);

}  // namespace lb::controlplane
