#include "controlplane/config/field_path.h"

#include "absl/strings/str_cat.h"

namespace lb::controlplane {

std::string FieldPath::ToString() const {
  std::string text;
  for (const Segment& segment : segments_) {
    if (segment.is_item)
      absl::StrAppend(&text, "[", segment.index, "]");
    else
      absl::StrAppend(&text, text.empty() ? "" : ".",
                      absl::string_view(segment.key.data(), segment.key.size()));
  }
  return text;
}

}  // namespace lb::controlplane
