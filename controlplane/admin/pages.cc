#include "controlplane/admin/pages.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/sha256.h"

namespace lb::controlplane {
namespace {

constexpr size_t kCheckBytes = 16;  // Half of it is what RFC 2104 allows at least.

std::string Check(std::string_view key, std::string_view scope, std::string_view last) {
  std::string text(scope);
  text += '\0';
  text += last;
  return HmacSha256(key, text).substr(0, kCheckBytes);
}

Failure BadToken() {
  return {absl::InvalidArgumentError("page_token is not one of this list"), "PAGE_TOKEN_INVALID"};
}

}  // namespace

Outcome<Page> ParsePage(std::string_view key, std::string_view scope, int32_t page_size,
                        std::string_view token) {
  Page page;
  if (page_size < 0)
    return Failure{
        absl::InvalidArgumentError(absl::StrCat("page_size ", page_size, " is negative")),
        "PAGE_SIZE_INVALID"};
  if (page_size > 0) page.size = std::min(static_cast<size_t>(page_size), kMaxPageSize);
  if (token.empty()) return page;
  std::string raw;
  if (!absl::WebSafeBase64Unescape(absl::string_view(token.data(), token.size()), &raw))
    return BadToken();
  if (raw.size() <= kCheckBytes) return BadToken();
  page.after = raw.substr(kCheckBytes);
  if (!EqualInConstantTime(Check(key, scope, page.after), raw.substr(0, kCheckBytes)))
    return BadToken();
  return page;
}

std::string MakePageToken(std::string_view key, std::string_view scope, std::string_view last) {
  std::string raw = Check(key, scope, last);
  raw += last;
  return absl::WebSafeBase64Escape(raw);
}

}  // namespace lb::controlplane
