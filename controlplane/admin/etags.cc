#include "controlplane/admin/etags.h"

#include "absl/strings/str_cat.h"
#include "base/sha256.h"

namespace lb::controlplane {
namespace {

// Enough that two states of one resource never share it by chance.
constexpr size_t kDigestBytes = 8;

}  // namespace

std::string QuotedEtag(const std::string& content) {
  return absl::StrCat("\"", ToHex(Sha256(content).substr(0, kDigestBytes)), "\"");
}

std::string EtagOf(const admin::v1::Backend& backend) {
  const admin::v1::BackendOverride& set = backend.override();
  return QuotedEtag(
      absl::StrCat(backend.name(), " ", backend.admin_state(), " ", backend.weight(), " ",
                   backend.configured_weight(), " ", set.admin_state(), " ",
                   set.has_weight() ? absl::StrCat(set.weight()) : "-", " ",
                   set.has_weight_percent() ? absl::StrCat(set.weight_percent()) : "-"));
}

std::string EtagOf(const admin::v1::Worker& worker) {
  return QuotedEtag(absl::StrCat(worker.process().id(), " ", worker.process().incarnation(), " ",
                                 worker.draining(), " ", worker.ending()));
}

std::optional<Failure> CheckEtag(const std::string& name, const std::string& expected,
                                 const std::string& current) {
  if (expected.empty() || expected == current) return std::nullopt;
  return Failure{absl::AbortedError(absl::StrCat(
                     name, " is not as it was read: etag ", expected.substr(0, current.size()),
                     " is asked for, and it has ", current, "; read it again")),
                 "ETAG_MISMATCH",
                 {{"resource", name}, {"expected", expected.substr(0, 64)}, {"current", current}}};
}

}  // namespace lb::controlplane
