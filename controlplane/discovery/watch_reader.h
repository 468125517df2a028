// What a watch of EndpointSlices says, line by line while it comes.
//
// Source: the API concepts of Kubernetes, "Efficient detection of changes" and "Watch bookmarks".
// Pure; threading: none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "controlplane/discovery/slice.h"

namespace lb::controlplane {

// A slice is new or has changed.
struct SlicePut {
  Slice slice;
};
// A slice is no more.
struct SliceGone {
  std::string name;
  std::string version;
};
// Nothing else happened up to here.
struct Bookmark {
  std::string version;
};
// The watch ends with an error.
struct WatchError {
  ApiStatus status;
};
using WatchWord = std::variant<SlicePut, SliceGone, Bookmark, WatchError>;

class WatchReader final {
 public:
  // Longest line: a slice in its envelope.
  static constexpr size_t kMaxLineBytes = kMaxSliceBytes + 1'024;

  // Takes the next bytes and appends what the lines say that end in them. InvalidArgument for a
  // line that is no event, ResourceExhausted for one that is too long; after an error nothing more
  // may be given.
  absl::Status Take(std::string_view bytes, std::vector<WatchWord>& words);

 private:
  std::string line_;
};

}  // namespace lb::controlplane
