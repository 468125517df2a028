// Readers of TLS files on any bytes: what is refused says why, in bounded text; what is accepted
// keeps the bounds that workers rely on. The first byte chooses the reader; for a certificate with
// its key and response, bytes 0xFF divide the rest.

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/check.h"
#include "controlplane/tls/bundle.h"
#include "controlplane/tls/pair.h"
#include "controlplane/tls/revocation.h"

namespace {

using namespace lb::controlplane;

constexpr int64_t kNowS = 1'780'000'000;
constexpr size_t kMaxMessageBytes = 2'000;

void CheckProblems(const MaterialProblems& problems, bool accepted) {
  for (const MaterialProblem& problem : problems) {
    LB_CHECK(!problem.code.empty() && !problem.message.empty());
    LB_CHECK(problem.message.size() <= kMaxMessageBytes);
  }
  LB_CHECK(accepted || !problems.empty());
}

std::string_view Next(std::string_view& rest) {
  const size_t end = rest.find('\xFF');
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return part;
}

void TryPair(std::string_view rest) {
  PairText text;
  text.cert = Next(rest);
  text.key = Next(rest);
  // A response is binary: the rest, whatever is in it.
  if (!rest.empty()) text.ocsp = rest;
  MaterialProblems problems;
  const auto pair = ReadPair(text, {.clients = true, .backends = true}, kNowS, problems);
  CheckProblems(problems, pair.has_value());
  if (!pair) return;
  LB_CHECK(!pair->chain_der.empty() && pair->chain_der.size() <= kMaxChainCertificates);
  LB_CHECK(!pair->key_der.empty() && pair->id.size() == 64);
  LB_CHECK(pair->ocsp_response_der.empty() || pair->ocsp_next_update_s > kNowS);
}

void TryBundle(std::string_view text) {
  MaterialProblems problems;
  const auto bundle = ReadBundle(text, kNowS, problems);
  CheckProblems(problems, bundle.has_value());
  if (!bundle) return;
  LB_CHECK(!bundle->certificates_der.empty());
  LB_CHECK(bundle->certificates_der.size() <= kMaxAuthorities);
}

void TryRevocations(std::string_view text) {
  MaterialProblems problems;
  const auto lists = ReadRevocations(text, kNowS, problems);
  CheckProblems(problems, lists.has_value());
  if (lists) LB_CHECK(!lists->crls_der.empty() && lists->crls_der.size() <= kMaxRevocationLists);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      TryPair(rest);
      break;
    case 1:
      TryBundle(rest);
      break;
    default:
      TryRevocations(rest);
  }
  return 0;
}
