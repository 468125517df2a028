#include "controlplane/tls/revocation.h"

#include <openssl/x509.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/tls_trust.h"
#include "controlplane/config/codes.h"
#include "controlplane/tls/facts.h"
#include "controlplane/tls/pem.h"

namespace lb::controlplane {
namespace {

using Crl = bssl::UniquePtr<X509_CRL>;

void Add(std::string_view code, std::string message, MaterialProblems& problems) {
  problems.push_back(
      {.part = MaterialProblem::Part::kRevocations, .code = code, .message = std::move(message)});
}

// The encoded lists of a file.
absl::StatusOr<std::vector<std::string>> ReadLists(std::string_view text) {
  absl::StatusOr<std::vector<PemBlock>> blocks = ReadPem(text);
  if (!blocks.ok()) return blocks.status();
  std::vector<std::string> lists;
  for (const PemBlock& block : *blocks)
    if (block.label == "X509 CRL") lists.push_back(block.der);
  if (blocks->empty() && !text.empty()) lists.emplace_back(text);
  if (lists.empty()) return absl::InvalidArgumentError("it holds no revocation list");
  if (lists.size() > kMaxRevocationLists)
    return absl::InvalidArgumentError(absl::StrCat("it holds ", lists.size(),
                                                   " revocation lists; at most ",
                                                   kMaxRevocationLists, " are taken"));
  return lists;
}

void CheckTime(const X509_CRL* crl, int64_t next_update_s, int64_t now_s,
               MaterialProblems& problems) {
  const std::string whose = absl::StrCat("the list of ", NameText(X509_CRL_get_issuer(crl)));
  const int64_t begin = SecondsOf(X509_CRL_get0_lastUpdate(crl));
  if (now_s < begin)
    Add(codes::kOutOfTime, absl::StrCat(whose, " is not in force before ", TimeText(begin)),
        problems);
  if (next_update_s != 0 && now_s >= next_update_s)
    Add(codes::kOutOfTime,
        absl::StrCat(whose, " should have been updated ", TimeText(next_update_s)), problems);
}

}  // namespace

std::optional<RevocationList> ReadRevocations(std::string_view text, int64_t now_s,
                                              MaterialProblems& problems) {
  absl::StatusOr<std::vector<std::string>> lists = ReadLists(text);
  if (!lists.ok()) {
    Add(codes::kBadRevocations, std::string(lists.status().message()), problems);
    return std::nullopt;
  }
  RevocationList result;
  for (std::string& der : *lists) {
    const Crl crl = ParseCrl(der);
    if (crl == nullptr) {
      Add(codes::kBadRevocations,
          lists->size() == 1
              ? std::string("it is no revocation list, in PEM or DER form")
              : absl::StrCat("its revocation list ", result.crls_der.size() + 1, " is damaged"),
          problems);
      return std::nullopt;
    }
    const ASN1_TIME* const next = X509_CRL_get0_nextUpdate(crl.get());
    const int64_t next_update_s = next == nullptr ? 0 : SecondsOf(next);
    CheckTime(crl.get(), next_update_s, now_s, problems);
    const bool first =
        result.crls_der.empty() ||
        (next_update_s != 0 && (result.next_update_s == 0 || next_update_s < result.next_update_s));
    if (first) {
      result.issuer = NameText(X509_CRL_get_issuer(crl.get()));
      result.last_update_s = SecondsOf(X509_CRL_get0_lastUpdate(crl.get()));
      result.next_update_s = next_update_s;
    }
    result.crls_der.push_back(std::move(der));
  }
  result.id = ContentId({result.crls_der.begin(), result.crls_der.end()});
  return result;
}

}  // namespace lb::controlplane
