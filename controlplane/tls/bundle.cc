#include "controlplane/tls/bundle.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controlplane/config/codes.h"
#include "controlplane/tls/facts.h"
#include "controlplane/tls/pem.h"

namespace lb::controlplane {
namespace {

void Add(bool error, std::string_view code, std::string message, MaterialProblems& problems) {
  problems.push_back({.part = MaterialProblem::Part::kAuthorities,
                      .error = error,
                      .code = code,
                      .message = std::move(message)});
}

// The one that expires first of those that have not.
const X509* FirstToExpire(const std::vector<bssl::UniquePtr<X509>>& all, int64_t now_s) {
  const auto rank = [now_s](const bssl::UniquePtr<X509>& one) {
    const int64_t end = SecondsOf(X509_get0_notAfter(one.get()));
    return std::pair(end <= now_s, end);
  };
  return std::min_element(all.begin(), all.end(),
                          [&](const auto& a, const auto& b) { return rank(a) < rank(b); })
      ->get();
}

size_t CountExpired(const std::vector<bssl::UniquePtr<X509>>& all, int64_t now_s) {
  return static_cast<size_t>(std::count_if(all.begin(), all.end(), [now_s](const auto& one) {
    return SecondsOf(X509_get0_notAfter(one.get())) <= now_s;
  }));
}

}  // namespace

std::optional<TrustBundle> ReadBundle(std::string_view text, int64_t now_s,
                                      MaterialProblems& problems) {
  const absl::StatusOr<std::vector<bssl::UniquePtr<X509>>> certificates = ReadCertificates(text);
  if (!certificates.ok()) {
    Add(true, codes::kBadAuthorities, std::string(certificates.status().message()), problems);
    return std::nullopt;
  }
  std::set<std::string> seen;
  TrustBundle bundle;
  for (const auto& certificate : *certificates)
    if (std::string der = DerOf(certificate.get()); seen.insert(der).second)
      bundle.certificates_der.push_back(std::move(der));
  if (bundle.certificates_der.size() > kMaxAuthorities) {
    Add(true, codes::kBadAuthorities,
        absl::StrCat("it holds ", bundle.certificates_der.size(), " authorities; at most ",
                     kMaxAuthorities, " are taken"),
        problems);
    return std::nullopt;
  }
  bundle.first_to_expire = FactsOf(FirstToExpire(*certificates, now_s));
  const size_t expired = CountExpired(*certificates, now_s);
  if (expired == certificates->size())
    Add(true, codes::kOutOfTime, "every authority in it has expired", problems);
  else if (expired > 0)
    Add(false, codes::kSomeOutOfTime,
        absl::StrCat(expired, " of the ", certificates->size(), " authorities in it have expired"),
        problems);
  bundle.id = ContentId({bundle.certificates_der.begin(), bundle.certificates_der.end()});
  return bundle;
}

}  // namespace lb::controlplane
