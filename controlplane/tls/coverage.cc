#include "controlplane/tls/coverage.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/tls_trust.h"
#include "controlplane/config/codes.h"
#include "controlplane/tls/facts.h"

namespace lb::controlplane {
namespace {

// Lists of one name whose signatures are looked at: a file of many must not cost minutes.
constexpr size_t kMaxOfOneName = 16;
// Authorities named in a message.
constexpr size_t kMaxNamed = 3;

// Lists by a hash of their issuer's name, which is the same for all ways to write it.
using Lists = std::multimap<uint32_t, bssl::UniquePtr<X509_CRL>>;

Lists ParseLists(const RevocationList& revocations) {
  Lists lists;
  for (const std::string& der : revocations.crls_der) {
    bssl::UniquePtr<X509_CRL> list = ParseCrl(der);
    if (list == nullptr) continue;
    const auto hash = static_cast<uint32_t>(X509_NAME_hash(X509_CRL_get_issuer(list.get())));
    lists.emplace(hash, std::move(list));
  }
  return lists;
}

bool HasList(X509* authority, const Lists& lists) {
  if ((X509_get_key_usage(authority) & X509v3_KU_CRL_SIGN) == 0) return false;
  const bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(authority));
  if (key == nullptr) return false;
  X509_NAME* const name = X509_get_subject_name(authority);
  const auto [begin, end] = lists.equal_range(static_cast<uint32_t>(X509_NAME_hash(name)));
  size_t looked_at = 0;
  for (auto at = begin; at != end; ++at) {
    if (X509_NAME_cmp(X509_CRL_get_issuer(at->second.get()), name) != 0) continue;
    if (++looked_at > kMaxOfOneName) return true;
    if (X509_CRL_verify(at->second.get(), key.get()) == 1) return true;
  }
  return false;
}

std::string Some(const std::vector<std::string>& names) {
  const size_t shown = std::min(names.size(), kMaxNamed);
  const std::string text =
      absl::StrJoin(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), "; ");
  return names.size() == shown ? text : absl::StrCat(text, " and ", names.size() - shown, " more");
}

}  // namespace

void CheckCoverage(const TrustBundle& bundle, const RevocationList& revocations,
                   MaterialProblems& problems) {
  const Lists lists = ParseLists(revocations);
  std::vector<std::string> without;
  bool some_pass = false;
  for (const std::string& der : bundle.certificates_der) {
    const bssl::UniquePtr<X509> authority = ParseCertificate(der);
    if (authority == nullptr) continue;
    // What is no authority is taken for itself, without any list.
    if (X509_check_ca(authority.get()) == 0 || HasList(authority.get(), lists))
      some_pass = true;
    else
      without.push_back(NameText(X509_get_subject_name(authority.get())));
  }
  ERR_clear_error();  // Nobody else may take our errors for theirs.
  if (without.empty()) return;
  MaterialProblem problem;
  problem.part = MaterialProblem::Part::kRevocations;
  problem.error = !some_pass;
  problem.code = some_pass ? codes::kSomeNotCovered : codes::kNotCovered;
  problem.message = some_pass
                        ? absl::StrCat("it has no list of ", Some(without),
                                       ": certificates that were signed there are refused")
                        : absl::StrCat("it has no list of any authority that it is for, such as ",
                                       Some(without), ": every certificate would be refused");
  problem.hint = "add the list of each authority to the file";
  problems.push_back(std::move(problem));
}

}  // namespace lb::controlplane
