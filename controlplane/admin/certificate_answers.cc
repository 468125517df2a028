#include "controlplane/admin/certificate_answers.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "controlplane/admin/list_query.h"
#include "controlplane/admin/proto_time.h"
#include "controlplane/tls/certificate_book.h"
#include "controlplane/tls/pem.h"
#include "controlplane/tls/wanted_files.h"

namespace lb::controlplane {
namespace {

using admin::v1::Certificate;

constexpr size_t kMaxShownRules = 3;
constexpr int64_t kHourS = 3'600;
constexpr int64_t kDayS = 24 * kHourS;

Certificate::Kind KindOf(CertificateKey::Kind kind) {
  switch (kind) {
    case CertificateKey::Kind::kServer:
      return Certificate::KIND_SERVER;
    case CertificateKey::Kind::kBackend:
      return Certificate::KIND_BACKEND;
    case CertificateKey::Kind::kAuthority:
      return Certificate::KIND_AUTHORITY;
    case CertificateKey::Kind::kRevocation:
      return Certificate::KIND_REVOCATION;
  }
  LB_CHECK(false);
}

Certificate::State ShownState(CertificateState state) {
  switch (state) {
    case CertificateState::kValid:
      return Certificate::STATE_VALID;
    case CertificateState::kExpiring:
      return Certificate::STATE_EXPIRING;
    case CertificateState::kExpired:
      return Certificate::STATE_EXPIRED;
    case CertificateState::kNotYetValid:
      return Certificate::STATE_NOT_YET_VALID;
    case CertificateState::kRefused:
      return Certificate::STATE_REFUSED;
  }
  LB_CHECK(false);
}

Certificate Describe(const CertificateKey& key, const CertificateEntry& entry, WallTime now) {
  const CertificateFacts& facts = entry.facts;
  Certificate out;
  out.set_name(CertificateName(key.file));
  out.set_file(key.file);
  out.set_kind(KindOf(key.kind));
  out.set_state(ShownState(StateOf(key, entry, now)));
  out.set_subject(facts.subject);
  out.set_issuer(facts.issuer);
  for (const std::string& name : facts.dns_names) out.add_dns_names(name);
  out.set_key_type(facts.key_type);
  out.set_sha256(facts.sha256);
  if (facts.not_before_s != 0) out.mutable_not_before_time()->set_seconds(facts.not_before_s);
  if (const int64_t end_s = EndOf(key, entry); end_s != 0)
    out.mutable_expire_time()->set_seconds(end_s);
  for (const std::string& rule : entry.rules) out.add_rules(absl::StrCat("rules/", rule));
  if (!entry.id.empty()) *out.mutable_load_time() = ToProto(entry.load_time);
  out.set_problem(entry.problem);
  out.set_serial_number(facts.serial_number);
  out.set_chain_length(entry.chain_length);
  if (entry.ocsp_next_update_s != 0)
    out.mutable_ocsp_next_update_time()->set_seconds(entry.ocsp_next_update_s);
  return out;
}

// "12 days", "5 hours": how long until, or since.
std::string Distance(int64_t seconds) {
  const bool days = seconds >= 2 * kDayS;
  const int64_t count = seconds / (days ? kDayS : kHourS);
  return absl::StrCat(count, days ? " days" : count == 1 ? " hour" : " hours");
}

// "rules web, api and 4 more"
std::string UsersOf(const CertificateEntry& entry) {
  std::string out = entry.rules.size() == 1 ? "rule " : "rules ";
  for (size_t i = 0; i < entry.rules.size() && i < kMaxShownRules; ++i)
    absl::StrAppend(&out, i == 0 ? "" : ", ", entry.rules[i]);
  if (entry.rules.size() > kMaxShownRules)
    absl::StrAppend(&out, " and ", entry.rules.size() - kMaxShownRules, " more");
  return out;
}

// What ends, in words.
const char* Subject(CertificateKey::Kind kind) {
  if (kind == CertificateKey::Kind::kAuthority) return "an authority in it";
  if (kind == CertificateKey::Kind::kRevocation) return "the revocation list";
  return "the certificate";
}

// What is to be said of an end that is near; empty: it is not.
std::string NearText(const Lifetime& lifetime, int64_t now_s) {
  const int64_t within_s = std::chrono::seconds(kAlertWithin).count();
  if (lifetime.end_s == 0 || !IsNear(lifetime, within_s, now_s)) return "";
  const int64_t left_s = lifetime.end_s - now_s;
  return left_s > 0 ? absl::StrCat(" expires in ", Distance(left_s))
                    : absl::StrCat(" expired ", Distance(-left_s), " ago");
}

// The same of the response that is to be stapled.
std::string ResponseText(const CertificateEntry& entry, int64_t now_s) {
  if (LacksResponse(entry)) return "its OCSP response is not stapled: it is no good";
  const std::string near = NearText(ResponseLifetimeOf(entry), now_s);
  return near.empty() ? "" : "its OCSP response" + near;
}

// Whom a revocation list keeps out that is past its next update.
const char* Refused(const CertificateEntry& entry) {
  if (entry.of_clients && entry.of_backends)
    return "; clients and backends with certificates of its issuer are refused";
  return entry.of_clients ? "; clients with certificates of its issuer are refused"
                          : "; backends with certificates of its issuer are refused";
}

// Empty: nothing is odd.
std::string AlertText(const CertificateKey& key, const CertificateEntry& entry, WallTime now) {
  const int64_t now_s = SecondsOf(now);
  const int64_t over_s = now_s - entry.facts.not_after_s;
  const std::string about = absl::StrCat(key.file, " (", UsersOf(entry), "): ");
  const std::string what = absl::StrCat(about, Subject(key.kind));
  switch (StateOf(key, entry, now)) {
    case CertificateState::kRefused:
      return absl::StrCat(about,
                          entry.id.empty()
                              ? "the file is refused, and nothing was loaded from it before: "
                              : "what is in the file now is refused, what was loaded stays: ",
                          entry.problem);
    case CertificateState::kExpired:
      if (key.kind == CertificateKey::Kind::kRevocation)
        return absl::StrCat(what, " is past its next update since ", Distance(over_s),
                            Refused(entry));
      return absl::StrCat(what, " expired ", Distance(over_s), " ago");
    case CertificateState::kNotYetValid:
      return absl::StrCat(what, " is not valid for ", Distance(entry.facts.not_before_s - now_s),
                          " yet");
    case CertificateState::kExpiring: {
      const std::string near = NearText(LifetimeOf(key, entry), now_s);
      if (!near.empty()) return what + near;
      const std::string response = ResponseText(entry, now_s);
      return response.empty() ? "" : about + response;
    }
    case CertificateState::kValid:
      return "";
  }
  LB_CHECK(false);
}

// The place in a list: sorts as the book does.
std::string PlaceOf(const CertificateKey& key) {
  return absl::StrCat(key.file, std::string(1, '\0'), static_cast<int>(key.kind));
}

}  // namespace

int64_t EndOf(const CertificateKey& key, const CertificateEntry& entry) {
  return LifetimeOf(key, entry).end_s;
}

CertificateState StateOf(const CertificateKey& key, const CertificateEntry& entry, WallTime now) {
  if (key.file == kSystemAuthorities && entry.problem.empty()) return CertificateState::kValid;
  return StateOf(entry, now);
}

Outcome<admin::v1::ListCertificatesResponse> ListCertificates(
    const View& view, const admin::v1::ListCertificatesRequest& request) {
  const Outcome<ListQuery> query =
      ListQuery::Read(view.page_key, request, *Certificate::descriptor());
  if (const auto* failure = std::get_if<Failure>(&query)) return *failure;
  const std::string& after = std::get<ListQuery>(query).after();
  PageMaker<Certificate> page(std::get<ListQuery>(query));
  admin::v1::ListCertificatesResponse out;
  for (const auto& [key, entry] : view.certificates.entries()) {
    std::string place = PlaceOf(key);
    if (place <= after) continue;
    if (!page.Offer(Describe(key, entry, view.clock.wall), std::move(place))) break;
  }
  page.Finish(*out.mutable_certificates(), *out.mutable_next_page_token());
  return out;
}

std::vector<admin::v1::Alert> CertificateAlerts(const View& view) {
  std::vector<admin::v1::Alert> out;
  for (const auto& [key, entry] : view.certificates.entries()) {
    std::string text = AlertText(key, entry, view.clock.wall);
    if (text.empty()) continue;
    admin::v1::Alert& alert = out.emplace_back();
    alert.set_resource(CertificateName(key.file));
    alert.set_message(std::move(text));
  }
  return out;
}

}  // namespace lb::controlplane
