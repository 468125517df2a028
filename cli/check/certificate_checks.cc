#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/check/checks.h"

namespace lb::cli {
namespace {

constexpr int64_t kDayS = 86'400;

bool Readable(const CertificateFacts& one) { return one.error.empty(); }

std::string Named(const CertificateFacts& one, const std::string& path) {
  return absl::StrCat(path, " of ", one.owner);
}

void CheckTime(const CertificateFacts& one, int64_t now_s, Report& report) {
  const Code& code = codes::kTlsTime;
  const std::string renew = "make a new one and put it in its place: it is read again by itself";
  if (one.not_before_s > now_s)
    report.Error(code, Named(one, one.paths.cert) + " is not valid yet",
                 "compare the clocks of this host and of the one that made it");
  const auto look = [&](const std::string& path, int64_t end_s) {
    const int64_t days = (end_s - now_s) / kDayS;
    if (end_s <= now_s) {
      report.Error(code, Named(one, path) + " has expired", renew);
    } else if (days < kCertificateErrorDays) {
      report.Error(code, absl::StrCat(Named(one, path), " expires within ", days + 1, " days"),
                   renew);
    } else if (days < kCertificateWarningDays) {
      report.Warn(code, absl::StrCat(Named(one, path), " expires within ", days + 1, " days"),
                  renew);
    }
  };
  look(one.paths.cert, one.not_after_s);
  look(one.paths.ca, one.ca_not_after_s);
}

// A client's has one URI with its role, a server's has names of hosts.
void CheckNames(const CertificateFacts& one, Report& report) {
  size_t uris = 0;
  size_t roles = 0;
  for (const std::string& name : one.names) {
    if (name.rfind("URI:", 0) != 0) continue;
    ++uris;
    if (name.rfind("URI:spiffe://", 0) == 0) ++roles;
  }
  const bool server = one.owner.rfind("lb-controlplane", 0) == 0;
  const std::string names =
      one.names.empty() ? "no names" : absl::StrJoin(one.names, ", ").substr(0, 200);
  if (server && one.names.size() == uris)
    report.Error(codes::kTlsNames,
                 absl::StrCat(Named(one, one.paths.cert), " names no host (", names, ")"),
                 "lbctl tls generate-cert server NAME --san HOST shows what is needed");
  if (!server && (uris != 1 || roles != 1))
    report.Error(codes::kTlsNames,
                 absl::StrCat(Named(one, one.paths.cert),
                              " needs exactly one URI spiffe://CLUSTER/ROLE/NAME, it has ", names),
                 "docs/security.md; lbctl tls generate-cert operator NAME shows what is needed");
}

}  // namespace

void CheckCertificates(const Facts& facts, Report& report) {
  const std::array checks = {&codes::kTlsFiles, &codes::kTlsKeyOpen, &codes::kTlsKeyOther,
                             &codes::kTlsChain, &codes::kTlsTime,    &codes::kTlsNames};
  if (facts.certificates.empty()) {
    for (const Code* code : checks) report.Skip(*code, "no TLS files are given or in use");
    return;
  }
  for (const CertificateFacts& one : facts.certificates)
    if (!Readable(one))
      report.Error(codes::kTlsFiles, absl::StrCat(one.error, " (of ", one.owner, ")"),
                   "PEM files that the program may read, keys without passphrase");
  report.End(codes::kTlsFiles);
  for (const CertificateFacts& one : facts.certificates)
    // Others may do nothing with it, the group may read it at most: as base/tls_files.h.
    if (Readable(one) && (one.key_mode & 0027) != 0)
      report.Error(codes::kTlsKeyOpen, Named(one, one.paths.key) + " may be used by others",
                   absl::StrCat("chmod 600 ", one.paths.key, "; was it read, then replace it"));
  report.End(codes::kTlsKeyOpen);
  for (const CertificateFacts& one : facts.certificates)
    if (Readable(one) && !one.key_matches)
      report.Error(codes::kTlsKeyOther,
                   absl::StrCat(Named(one, one.paths.key), " is not the key of ", one.paths.cert),
                   "put both files of one pair in place");
  report.End(codes::kTlsKeyOther);
  for (const CertificateFacts& one : facts.certificates)
    if (Readable(one) && !one.chain_error.empty())
      report.Error(codes::kTlsChain,
                   absl::StrCat(Named(one, one.paths.cert), " does not come from ", one.paths.ca,
                                ": ", one.chain_error),
                   "certificates between the two belong into the certificate's file, behind it");
  report.End(codes::kTlsChain);
  for (const CertificateFacts& one : facts.certificates)
    if (Readable(one)) CheckTime(one, facts.now_s, report);
  report.End(codes::kTlsTime);
  for (const CertificateFacts& one : facts.certificates)
    if (Readable(one)) CheckNames(one, report);
  report.End(codes::kTlsNames);
}

}  // namespace lb::cli
