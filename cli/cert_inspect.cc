// `lbctl cert inspect`: reads a file as the control plane does, and tells what is in it.
#include <boost/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "cli/age.h"
#include "cli/cert.h"
#include "cli/config.h"
#include "cli/json.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "controlplane/tls/facts.h"
#include "controlplane/tls/pem.h"

namespace lb::cli {
namespace {

using controlplane::CertificateFacts;

// One of them is odd in this way; empty: it is not.
std::string TimeProblem(const CertificateFacts& facts, int64_t now_s) {
  if (now_s < facts.not_before_s) return "not valid yet";
  return now_s >= facts.not_after_s ? "expired" : "";
}

// What is odd, one line each. A file that begins with an authority is a set of them, not a chain.
std::vector<std::string> ProblemsOf(const std::vector<CertificateFacts>& chain, int64_t now_s) {
  std::vector<std::string> problems;
  const bool is_chain = chain[0].subject != chain[0].issuer;
  for (size_t i = 0; i < chain.size(); ++i) {
    if (const std::string problem = TimeProblem(chain[i], now_s); !problem.empty())
      problems.push_back(absl::StrCat("certificate ", i + 1, ": ", problem));
    if (is_chain && i > 0 && chain[i].subject != chain[i - 1].issuer)
      problems.push_back(absl::StrCat("certificate ", i + 1, " did not sign the one before it"));
  }
  return problems;
}

std::string EndText(const CertificateFacts& facts, int64_t now_s) {
  const int64_t left_s = facts.not_after_s - now_s;
  const std::string age = FormatAge(std::chrono::seconds(left_s > 0 ? left_s : -left_s));
  return absl::StrCat(controlplane::TimeText(facts.not_after_s), " (",
                      left_s > 0 ? "in " + age : age + " ago", ")");
}

std::string Describe(const CertificateFacts& facts, int64_t now_s) {
  Table table({{"FIELD"}, {"VALUE"}});
  table.Add({{"SUBJECT"}, {facts.subject}});
  table.Add({{"ISSUER"}, {facts.issuer}});
  table.Add({{"NAMES"}, {absl::StrJoin(facts.dns_names, ", ")}});
  table.Add({{"ADDRESSES"}, {absl::StrJoin(facts.addresses, ", ")}});
  table.Add({{"KEY"}, {facts.key_type}});
  table.Add({{"NOT BEFORE"}, {controlplane::TimeText(facts.not_before_s)}});
  table.Add({{"EXPIRES"}, {EndText(facts, now_s)}});
  table.Add({{"SERIAL"}, {facts.serial_number}});
  table.Add({{"SHA-256"}, {facts.sha256}});
  return table.Render({false, false, 0});
}

boost::json::array TextsJson(const std::vector<std::string>& texts) {
  boost::json::array out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

boost::json::object ToJson(const CertificateFacts& facts) {
  return {{"subject", facts.subject},
          {"issuer", facts.issuer},
          {"dnsNames", TextsJson(facts.dns_names)},
          {"addresses", TextsJson(facts.addresses)},
          {"keyType", facts.key_type},
          {"notBefore", controlplane::TimeText(facts.not_before_s)},
          {"notAfter", controlplane::TimeText(facts.not_after_s)},
          {"serialNumber", facts.serial_number},
          {"sha256", facts.sha256}};
}

std::string RenderText(const std::vector<CertificateFacts>& chain,
                       const std::vector<std::string>& problems, int64_t now_s) {
  std::string out;
  for (size_t i = 0; i < chain.size(); ++i)
    absl::StrAppend(&out, i == 0 ? "" : "\n", "certificate ", i + 1, " of ", chain.size(), "\n",
                    Describe(chain[i], now_s));
  for (const std::string& problem : problems) absl::StrAppend(&out, "\n! ", problem, "\n");
  return out;
}

}  // namespace

absl::StatusOr<ExitCode> RunCertInspect(const std::string& file, const std::string& output,
                                        WallTime now) {
  if (output != "text" && output != "table" && output != "json" && output != "yaml")
    return UsageError(absl::StrCat("-o: '", Escape(output), "' is not text, json or yaml"));
  LB_ASSIGN_OR_RETURN(const std::string text, ReadConfigText(file));
  const auto certificates = controlplane::ReadCertificates(text);
  if (!certificates.ok())
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": ", std::string(certificates.status().message())));
  std::vector<CertificateFacts> chain;
  for (const auto& certificate : *certificates)
    chain.push_back(controlplane::FactsOf(certificate.get()));
  const int64_t now_s = controlplane::SecondsOf(now);
  const std::vector<std::string> problems = ProblemsOf(chain, now_s);
  if (output == "json" || output == "yaml") {
    boost::json::array items;
    for (const CertificateFacts& facts : chain) items.push_back(ToJson(facts));
    const boost::json::object list = {{"kind", "CertificateFile"},
                                      {"file", file},
                                      {"items", std::move(items)},
                                      {"problems", TextsJson(problems)}};
    WriteOut(output == "json" ? ToPrettyJson(list) : ToYaml(list));
  } else {
    WriteOut(RenderText(chain, problems, now_s));
  }
  return problems.empty() ? ExitCode::kDone : ExitCode::kFindings;
}

}  // namespace lb::cli
