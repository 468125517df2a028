// Pages of a list, in the order of names (AIP-158). A token names the last entry of its page, so a
// list that changes in between neither repeats nor skips what stays, and carries an HMAC, so that
// one that was made up or came from another list is told from ours. Pure; threading: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "controlplane/admin/failure.h"

namespace lb::controlplane {

inline constexpr size_t kDefaultPageSize = 100;
inline constexpr size_t kMaxPageSize = 1000;  // Keeps an answer well below gRPC's 4 MiB.

struct Page {
  size_t size = kDefaultPageSize;
  std::string after;  // Only names above this one; empty: from the start.
};

// Bytes of the key of page tokens: random, and new in each life of the control plane.
inline constexpr size_t kPageKeyBytes = 32;

// Reads the paging fields of a request. `scope` names the list and its other arguments: a token
// works only where it came from. A negative size or a token that was not made here is a Failure.
Outcome<Page> ParsePage(std::string_view key, std::string_view scope, int32_t page_size,
                        std::string_view token);

// Returns the token for the page after the one that ends with `last`.
std::string MakePageToken(std::string_view key, std::string_view scope, std::string_view last);

}  // namespace lb::controlplane
