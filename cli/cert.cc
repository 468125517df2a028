#include "cli/cert.h"

#include <algorithm>
#include <boost/json.hpp>
#include <string_view>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "cli/age.h"
#include "cli/certificate_views.h"
#include "cli/client.h"
#include "cli/json.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "cli/views.h"
#include "controlplane/tls/lifetime.h"

namespace lb::cli {
namespace {

using Certificates = std::vector<api::Certificate>;

constexpr int kMaxDays = 3'650;

bool IsFound(const api::Certificate& certificate, std::optional<std::chrono::seconds> within,
             WallTime now) {
  switch (certificate.state()) {
    case api::Certificate::STATE_VALID:
    case api::Certificate::STATE_EXPIRING:
      if (!within) return certificate.state() == api::Certificate::STATE_EXPIRING;
      return (certificate.has_expire_time() && TimeLeft(certificate, now) < *within) ||
             (certificate.has_ocsp_next_update_time() &&
              ResponseTimeLeft(certificate, now) < *within);
    default:
      return true;
  }
}

// Whether the end that is near is that of its OCSP response: its own is not.
bool IsAboutResponse(const api::Certificate& certificate, WallTime now) {
  if (certificate.state() != api::Certificate::STATE_EXPIRING ||
      certificate.kind() != api::Certificate::KIND_SERVER || !certificate.has_expire_time())
    return false;
  constexpr int64_t kNearS = 14 * 86'400;  // As the control plane takes it.
  const controlplane::Lifetime own{certificate.not_before_time().seconds(),
                                   certificate.expire_time().seconds()};
  return TimeLeft(certificate, now).count() >= controlplane::NearS(own, kNearS);
}

// What to put into the file.
const char* Remedy(const api::Certificate& certificate, WallTime now) {
  if (IsAboutResponse(certificate, now))
    return "its OCSP response ends soon or is not stapled: put the newest one of its authority in "
           "place";
  switch (certificate.state()) {
    case api::Certificate::STATE_REFUSED:
      return certificate.has_load_time()
                 ? "put a good file in place; what was loaded stays until then"
                 : "put a good file in place; what needs it is left out until then";
    case api::Certificate::STATE_NOT_YET_VALID:
      return "compare the clock of this host with that of its issuer";
    default:
      break;
  }
  switch (certificate.kind()) {
    case api::Certificate::KIND_AUTHORITY:
      return "put the authority that follows it into the file, beside it";
    case api::Certificate::KIND_REVOCATION:
      return "put the issuer's newest list into the file";
    default:
      return "renew it and replace certificate and key: both are read again by themselves";
  }
}

Row RowOf(const api::Certificate& certificate, WallTime now) {
  Cell state = StateCell(certificate.state());
  // Near only by the time that was asked for.
  if (certificate.state() == api::Certificate::STATE_VALID) state = {"EXPIRING", Tone::kWarning};
  return {std::move(state),
          {certificate.file()},
          {KindText(certificate.kind())},
          {EndText(certificate, now)},
          {RulesText(certificate)},
          {certificate.problem().empty()
               ? std::string(Remedy(certificate, now))
               : absl::StrCat(certificate.problem(), "; ", Remedy(certificate, now))}};
}

std::string RenderFindings(const Globals& globals, const Certificates& found, WallTime now) {
  Table table({{"STATE"}, {"FILE"}, {"KIND"}, {"EXPIRES"}, {"RULES"}, {"WHAT TO DO"}});
  for (const api::Certificate& certificate : found) table.Add(RowOf(certificate, now));
  return table.Render({globals.headers, globals.color, 0});
}

// "3 files are fine; the first to end is /etc/lb/a.pem, in 43d"
std::string FineText(const Certificates& all, WallTime now) {
  if (all.empty()) return "no files of TLS are in use\n";
  const auto first = std::min_element(
      all.begin(), all.end(), [](const api::Certificate& a, const api::Certificate& b) {
        const auto end_s = [](const api::Certificate& one) {
          return one.has_expire_time() ? one.expire_time().seconds() : INT64_MAX;
        };
        return end_s(a) < end_s(b);
      });
  std::string text =
      absl::StrCat(all.size(), all.size() == 1 ? " file is fine" : " files are fine");
  if (first->has_expire_time())
    absl::StrAppend(&text, "; the first to end is ", Escape(first->file()), ", ",
                    EndText(*first, now));
  return text + "\n";
}

boost::json::object FindingsJson(const Certificates& found) {
  boost::json::array items;
  for (const api::Certificate& certificate : found) items.push_back(ToJson(certificate));
  return {{"kind", "CertificateCheck"}, {"success", found.empty()}, {"items", std::move(items)}};
}

void Print(const Globals& globals, const Certificates& all, const Certificates& found,
           WallTime now) {
  switch (globals.output) {
    case Output::kJson:
      return WriteOut(ToPrettyJson(FindingsJson(found)));
    case Output::kYaml:
      return WriteOut(ToYaml(FindingsJson(found)));
    case Output::kName:
      for (const api::Certificate& certificate : found) WriteOut(Escape(certificate.name()) + "\n");
      return;
    default:
      return WriteOut(found.empty() ? FineText(all, now) : RenderFindings(globals, found, now));
  }
}

}  // namespace

absl::StatusOr<std::chrono::seconds> ParseWithin(const std::string& text) {
  absl::string_view rest = text;
  int days = 0;
  if (absl::ConsumeSuffix(&rest, "d") && absl::SimpleAtoi(rest, &days)) {
    if (days >= 1 && days <= kMaxDays) return std::chrono::hours(24) * days;
    return UsageError(absl::StrCat("--within: '", Escape(text), "' is not 1d to ", kMaxDays, "d"));
  }
  LB_ASSIGN_OR_RETURN(const auto duration, ParseDuration("--within", text));
  return std::chrono::ceil<std::chrono::seconds>(duration);
}

absl::StatusOr<ExitCode> RunCertCheck(const Globals& globals,
                                      std::optional<std::chrono::seconds> within) {
  LB_ASSIGN_OR_RETURN(auto client,
                      AdminClient::Connect({globals.endpoints, globals.timeout, globals.verbose}));
  LB_ASSIGN_OR_RETURN(const Certificates all, client->ListCertificates());
  const WallTime now = ReadClocks().wall;
  Certificates found;
  for (const api::Certificate& certificate : all)
    if (IsFound(certificate, within, now)) found.push_back(certificate);
  Print(globals, all, found, now);
  return found.empty() ? ExitCode::kDone : ExitCode::kFindings;
}

}  // namespace lb::cli
