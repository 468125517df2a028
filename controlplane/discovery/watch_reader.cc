#include "controlplane/discovery/watch_reader.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "controlplane/discovery/json_fields.h"

namespace lb::controlplane {
namespace {

namespace json = boost::json;

absl::StatusOr<WatchWord> ReadWord(std::string_view line) {
  LB_ASSIGN_OR_RETURN(const json::object event, ReadObject(line));
  LB_ASSIGN_OR_RETURN(const std::string type, TextOf(event, "type"));
  LB_ASSIGN_OR_RETURN(const json::object* object, ObjectOf(event, "object"));
  if (object == nullptr) return absl::InvalidArgumentError("an event of the watch has no object");
  if (type == "ERROR") return WatchError{ReadApiStatus(*object)};
  if (type == "BOOKMARK") {
    LB_ASSIGN_OR_RETURN(ListMetadata metadata, ReadListMetadata(*object));
    return Bookmark{std::move(metadata.version)};
  }
  if (type != "ADDED" && type != "MODIFIED" && type != "DELETED")
    return absl::InvalidArgumentError("an event of the watch is of no known type");
  LB_ASSIGN_OR_RETURN(Slice slice, ReadSlice(*object));
  if (slice.version.empty()) return absl::InvalidArgumentError("a slice has no resourceVersion");
  if (type == "DELETED") return SliceGone{std::move(slice.name), std::move(slice.version)};
  return SlicePut{std::move(slice)};
}

bool IsBlank(std::string_view line) {
  for (const char c : line)
    if (!absl::ascii_isspace(static_cast<unsigned char>(c))) return false;
  return true;
}

}  // namespace

absl::Status WatchReader::Take(std::string_view bytes, std::vector<WatchWord>& words) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (line_.size() + part.size() > kMaxLineBytes)
      return absl::ResourceExhaustedError(
          absl::StrCat("a line of the watch has more than ", kMaxLineBytes, " bytes"));
    line_.append(part);
    if (end == std::string_view::npos) return absl::OkStatus();
    bytes.remove_prefix(end + 1);
    const std::string line = std::exchange(line_, {});
    if (IsBlank(line)) continue;
    LB_ASSIGN_OR_RETURN(WatchWord word, ReadWord(line));
    words.push_back(std::move(word));
  }
  return absl::OkStatus();
}

}  // namespace lb::controlplane
