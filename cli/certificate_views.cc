#include "cli/certificate_views.h"

#include <chrono>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/age.h"
#include "cli/resource.h"

namespace lb::cli {
namespace {

using lb::admin::v1::Certificate;

constexpr int kMaxShown = 2;

// The first few, and how many more there are.
template <typename Texts, typename Show>
std::string Some(const Texts& texts, Show show) {
  std::string out;
  for (int i = 0; i < texts.size() && i < kMaxShown; ++i)
    absl::StrAppend(&out, i == 0 ? "" : ", ", show(texts.Get(i)));
  if (texts.size() > kMaxShown) absl::StrAppend(&out, " and ", texts.size() - kMaxShown, " more");
  return out;
}

// Whom it is about: names of hosts, else the subject, of revocation lists the issuer.
std::string NamesText(const Certificate& certificate) {
  if (certificate.dns_names_size() > 0)
    return Some(certificate.dns_names(), [](const std::string& name) { return name; });
  return certificate.subject().empty() ? certificate.issuer() : certificate.subject();
}

std::string Since(const google::protobuf::Timestamp& time, WallTime now) {
  if (time.seconds() == 0) return "";
  const auto age = now - WallTime(std::chrono::seconds(time.seconds()));
  return FormatAge(std::chrono::duration_cast<std::chrono::seconds>(age));
}

std::chrono::seconds Until(const google::protobuf::Timestamp& time, WallTime now) {
  return std::chrono::seconds(time.seconds()) -
         std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
}

}  // namespace

const char* KindText(Certificate::Kind kind) {
  switch (kind) {
    case Certificate::KIND_SERVER:
      return "server";
    case Certificate::KIND_BACKEND:
      return "backend";
    case Certificate::KIND_AUTHORITY:
      return "authority";
    case Certificate::KIND_REVOCATION:
      return "revocation";
    default:
      return "unknown";
  }
}

Cell StateCell(Certificate::State state) {
  switch (state) {
    case Certificate::STATE_VALID:
      return {"VALID", Tone::kGood};
    case Certificate::STATE_EXPIRING:
      return {"EXPIRING", Tone::kWarning};
    case Certificate::STATE_EXPIRED:
      return {"EXPIRED", Tone::kBad};
    case Certificate::STATE_NOT_YET_VALID:
      return {"NOT-YET-VALID", Tone::kBad};
    case Certificate::STATE_REFUSED:
      return {"REFUSED", Tone::kBad};
    default:
      return {"UNKNOWN", Tone::kWarning};
  }
}

std::chrono::seconds TimeLeft(const Certificate& certificate, WallTime now) {
  return Until(certificate.expire_time(), now);
}

std::chrono::seconds ResponseTimeLeft(const Certificate& certificate, WallTime now) {
  return Until(certificate.ocsp_next_update_time(), now);
}

std::string EndText(const Certificate& certificate, WallTime now) {
  if (!certificate.has_expire_time()) return "";
  const std::chrono::seconds left = TimeLeft(certificate, now);
  if (left.count() > 0) return absl::StrCat("in ", FormatAge(left));
  return absl::StrCat(FormatAge(-left), " ago");
}

std::string RulesText(const Certificate& certificate) {
  return Some(certificate.rules(), [](const std::string& rule) { return Leaf(rule); });
}

std::vector<Column> CertificateColumns(bool wide) {
  std::vector<Column> columns = {{"FILE"}, {"KIND"}, {"STATE"}, {"NAMES"}, {"EXPIRES", false, true},
                                 {"RULES"}};
  if (wide)
    columns.insert(columns.end(), {{"KEY"},
                                   {"SUBJECT"},
                                   {"ISSUER"},
                                   {"SERIAL"},
                                   {"CHAIN", true},
                                   {"LOADED", false, true},
                                   {"DETAIL"}});
  return columns;
}

Row CertificateRow(const Certificate& certificate, bool wide, WallTime now) {
  Row row = {{certificate.file()},           {KindText(certificate.kind())},
             StateCell(certificate.state()), {NamesText(certificate)},
             {EndText(certificate, now)},    {RulesText(certificate)}};
  if (!wide) return row;
  for (std::string text : {certificate.key_type(), certificate.subject(), certificate.issuer(),
                           certificate.serial_number(), absl::StrCat(certificate.chain_length()),
                           Since(certificate.load_time(), now), certificate.problem()})
    row.push_back({std::move(text)});
  return row;
}

}  // namespace lb::cli
