// One page of a list of EndpointSlices, read while it comes: never more than one slice is held as
// text. Source: the API concepts of Kubernetes, "Retrieving large results sets in chunks". Pure;
// threading: none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controlplane/discovery/slice.h"

namespace lb::controlplane {

class ListReader final {
 public:
  // Longest page, and what of it is no slice.
  static constexpr size_t kMaxPageBytes = 256u << 20;
  static constexpr size_t kMaxRestBytes = 64u << 10;

  // Takes the next bytes and appends the slices that end in them. InvalidArgument for what is no
  // list, ResourceExhausted for what is too long; after an error nothing more may be given.
  absl::Status Take(std::string_view bytes, std::vector<Slice>& slices);

  // The page's metadata, when all of it was given. InvalidArgument where it is not whole.
  absl::StatusOr<ListMetadata> Finish() const;

 private:
  static constexpr size_t kMaxDepth = 64;
  // Deeper by one than the list "items", and by two than the page's own members.
  static constexpr size_t kItemDepth = 3;

  absl::Status TakeByte(char c, std::vector<Slice>& slices);
  absl::Status Open(char c);
  absl::Status Close(std::vector<Slice>& slices);
  absl::Status Keep(char c);

  std::string rest_;  // The page without its items.
  std::string item_;
  std::string last_text_;  // The beginning of the last text among the page's own members.
  size_t bytes_ = 0;
  size_t depth_ = 0;
  bool in_text_ = false;
  bool escaped_ = false;
  bool in_items_ = false;
  bool had_items_ = false;
};

}  // namespace lb::controlplane
