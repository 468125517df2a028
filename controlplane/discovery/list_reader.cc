#include "controlplane/discovery/list_reader.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace lb::controlplane {
namespace {

constexpr std::string_view kItems = "items";

}  // namespace

absl::Status ListReader::Take(std::string_view bytes, std::vector<Slice>& slices) {
  bytes_ += bytes.size();
  if (bytes_ > kMaxPageBytes)
    return absl::ResourceExhaustedError(
        absl::StrCat("a page of the list has more than ", kMaxPageBytes, " bytes"));
  for (const char c : bytes) LB_RETURN_IF_ERROR(TakeByte(c, slices));
  return absl::OkStatus();
}

absl::Status ListReader::TakeByte(char c, std::vector<Slice>& slices) {
  if (in_text_) {
    if (!escaped_ && c == '"') in_text_ = false;
    if (in_text_ && depth_ == 1 && last_text_.size() <= kItems.size()) last_text_ += c;
    escaped_ = !escaped_ && c == '\\';
    return Keep(c);
  }
  const bool between_items = in_items_ && depth_ < kItemDepth;
  switch (c) {
    case '{':
    case '[':
      return Open(c);
    case '}':
    case ']':
      LB_RETURN_IF_ERROR(Keep(c));
      return Close(slices);
    case '"':
      if (between_items) break;
      in_text_ = true;
      if (depth_ == 1) last_text_.clear();
      return Keep(c);
    default:
      if (!between_items) return Keep(c);
      if (c == ',' || absl::ascii_isspace(static_cast<unsigned char>(c))) return absl::OkStatus();
      break;
  }
  return absl::InvalidArgumentError("an item of the list is no object");
}

absl::Status ListReader::Open(char c) {
  if (in_items_ && depth_ < kItemDepth && c != '{')
    return absl::InvalidArgumentError("an item of the list is no object");
  ++depth_;
  LB_RETURN_IF_ERROR(Keep(c));
  if (depth_ > kMaxDepth) return absl::InvalidArgumentError("the list is nested too deeply");
  if (c != '[' || depth_ != kItemDepth - 1 || last_text_ != kItems) return absl::OkStatus();
  if (std::exchange(had_items_, true))
    return absl::InvalidArgumentError("the list has items twice");
  in_items_ = true;
  return absl::OkStatus();
}

absl::Status ListReader::Close(std::vector<Slice>& slices) {
  if (depth_ == 0) return absl::InvalidArgumentError("the list is no JSON");
  --depth_;
  if (!in_items_) return absl::OkStatus();
  if (depth_ == kItemDepth - 2) in_items_ = false;
  if (depth_ != kItemDepth - 1) return absl::OkStatus();
  LB_ASSIGN_OR_RETURN(Slice slice, ReadSlice(std::exchange(item_, {})));
  slices.push_back(std::move(slice));
  return absl::OkStatus();
}

absl::Status ListReader::Keep(char c) {
  const bool of_item = in_items_ && depth_ >= kItemDepth;
  std::string& to = of_item ? item_ : rest_;
  if (to.size() >= (of_item ? kMaxSliceBytes : kMaxRestBytes))
    return absl::ResourceExhaustedError(of_item ? "a slice is too long"
                                                : "the list has too much beside its items");
  to += c;
  return absl::OkStatus();
}

absl::StatusOr<ListMetadata> ListReader::Finish() const {
  if (depth_ != 0 || in_text_) return absl::InvalidArgumentError("the list is cut off");
  return ReadListMetadata(rest_);
}

}  // namespace lb::controlplane
