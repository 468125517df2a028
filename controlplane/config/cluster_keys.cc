#include "controlplane/config/cluster_keys.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace lb::controlplane {
namespace {

// AES-128, AES-192 and AES-256.
bool IsKeyLength(size_t bytes) { return bytes == 16 || bytes == 24 || bytes == 32; }

absl::Status OnLine(size_t line, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("line ", line, " ", absl::string_view(what.data(), what.size())));
}

}  // namespace

absl::StatusOr<std::string> ParseClusterKey(std::string_view text) {
  std::string key;
  if (!absl::Base64Unescape(absl::string_view(text.data(), text.size()), &key))
    return absl::InvalidArgumentError("is not base64");
  if (!IsKeyLength(key.size()))
    return absl::InvalidArgumentError(
        absl::StrCat("is base64 of ", key.size(), " bytes, not of 16, 24 or 32"));
  return key;
}

absl::StatusOr<std::vector<std::string>> ParseClusterKeys(std::string_view file) {
  std::vector<std::string> keys;
  size_t number = 0;
  for (absl::string_view line : absl::StrSplit(absl::string_view(file.data(), file.size()), '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line.front() == '#') continue;
    if (keys.size() == kMaxClusterKeys)
      return OnLine(number, absl::StrCat("is a key too many: at most ", kMaxClusterKeys));
    absl::StatusOr<std::string> key = ParseClusterKey({line.data(), line.size()});
    if (!key.ok()) return OnLine(number, std::string(key.status().message()));
    if (std::find(keys.begin(), keys.end(), *key) != keys.end())
      return OnLine(number, "is a key that stands above, too");
    keys.push_back(*std::move(key));
  }
  if (keys.empty()) return absl::InvalidArgumentError("has no key");
  return keys;
}

}  // namespace lb::controlplane
