#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/check/checks.h"
#include "controlplane/tls/lifetime.h"

namespace lb::cli {
namespace {

using controlplane::Lifetime;

constexpr int64_t kDayS = 86'400;

bool Readable(const CertificateFacts& one) { return one.error.empty(); }

std::string Named(const CertificateFacts& one, const std::string& path) {
  return absl::StrCat(path, " of ", one.owner);
}

struct Look {
  int64_t now_s;
  int64_t warning_days;
};

// Reports an end that is past or near.
void ReportEnd(const Code& code, const std::string& who, const Lifetime& lifetime, const Look& look,
               const std::string& renew, Report& report) {
  const int64_t left_s = lifetime.end_s - look.now_s;
  if (left_s <= 0) return report.Error(code, who + " has expired", renew);
  const int64_t warning_s = controlplane::NearS(lifetime, look.warning_days * kDayS);
  const std::string soon = absl::StrCat(who, " expires within ", left_s / kDayS + 1, " days");
  // What is short-lived is an error only when another third of its last third is left.
  if (left_s < std::min(kCertificateErrorDays * kDayS, warning_s / 3))
    report.Error(code, soon, renew);
  else if (left_s < warning_s)
    report.Warn(code, soon, renew);
}

void CheckTime(const CertificateFacts& one, int64_t now_s, Report& report) {
  const Code& code = codes::kTlsTime;
  const std::string renew = "make a new one and put it in its place: it is read again by itself";
  if (one.not_before_s > now_s)
    report.Error(code, Named(one, one.paths.cert) + " is not valid yet",
                 "compare the clocks of this host and of the one that made it");
  const auto look = [&](const std::string& path, const Lifetime& lifetime) {
    ReportEnd(code, Named(one, path), lifetime, {now_s, kCertificateWarningDays}, renew, report);
  };
  look(one.paths.cert, {one.not_before_s, one.not_after_s});
  look(one.paths.ca, {0, one.ca_not_after_s});
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

// The end of what a file of a rule holds.
void CheckEnd(const admin::v1::Certificate& one, int64_t now_s, Report& report) {
  const Code& code = codes::kRuleTlsTime;
  const std::string renew = "renew it and replace the file: it is read again by itself";
  const std::string who = absl::StrCat(one.file(), " of ", absl::StrJoin(one.rules(), ", "));
  if (one.state() == admin::v1::Certificate::STATE_NOT_YET_VALID)
    report.Error(code, who + " is not valid yet", "compare this clock with that of its issuer");
  const Look look{now_s, kRuleCertificateWarningDays};
  if (one.has_expire_time())
    ReportEnd(code, who, {one.not_before_time().seconds(), one.expire_time().seconds()}, look,
              renew, report);
  if (one.has_ocsp_next_update_time() && one.ocsp_next_update_time().seconds() <= now_s)
    report.Warn(code, "the OCSP response of " + who + " is old, and is not stapled any more",
                "renew it as often as its authority says");
}

// The files of the rules, which the control plane has read.
void CheckRuleFiles(const Facts& facts, Report& report) {
  if (!facts.server || !facts.server->rule_certificates) {
    const char* why = facts.pre      ? "nothing of lb runs yet"
                      : facts.server ? "the control plane does not tell"
                                     : "the control plane does not answer";
    report.Skip(codes::kRuleTlsRefused, why);
    report.Skip(codes::kRuleTlsTime, why);
    return;
  }
  for (const admin::v1::Certificate& one : *facts.server->rule_certificates)
    if (one.state() == admin::v1::Certificate::STATE_REFUSED)
      report.Error(codes::kRuleTlsRefused, absl::StrCat(one.file(), " is refused: ", one.problem()),
                   one.has_load_time()
                       ? "put a good file in place; what was loaded stays until then"
                       : "put a good file in place; what needs it is left out until then");
  report.End(codes::kRuleTlsRefused);
  for (const admin::v1::Certificate& one : *facts.server->rule_certificates)
    CheckEnd(one, facts.now_s, report);
  report.End(codes::kRuleTlsTime);
}

// The files of the programs themselves.
void CheckOwnFiles(const Facts& facts, Report& report) {
  const std::array checks = {&codes::kTlsFiles, &codes::kTlsKeyOpen, &codes::kTlsKeyOther,
                             &codes::kTlsChain, &codes::kTlsTime,    &codes::kTlsNames};
  if (facts.certificates.empty()) {
    for (const Code* code : checks) report.Skip(*code, "lbctl and the APIs use no TLS files");
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

}  // namespace

void CheckCertificates(const Facts& facts, Report& report) {
  CheckOwnFiles(facts, report);
  CheckRuleFiles(facts, report);
}

}  // namespace lb::cli
