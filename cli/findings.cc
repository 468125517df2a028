#include "cli/findings.h"

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/json.h"

namespace lb::cli {
namespace {

using controlplane::Finding;
using controlplane::LoadResult;

const char* Word(const Finding& finding) {
  return finding.severity == Finding::Severity::kError ? "error" : "warning";
}

std::string EscapeMessage(const std::string& text) {
  return absl::StrReplaceAll(text, {{"%", "%25"}, {"\r", "%0D"}, {"\n", "%0A"}});
}

std::string EscapeProperty(const std::string& text) {
  return absl::StrReplaceAll(EscapeMessage(text), {{":", "%3A"}, {",", "%2C"}});
}

}  // namespace

std::string RenderFindingsJson(std::string_view file, const LoadResult& result, bool valid) {
  boost::json::array findings;
  for (const Finding& finding : result.findings)
    findings.push_back({{"severity", Word(finding)},
                        {"code", finding.code},
                        {"message", finding.message},
                        {"field", finding.field},
                        {"line", finding.line},
                        {"column", finding.column},
                        {"hint", finding.hint}});
  boost::json::object object;
  object["kind"] = "ValidationResult";
  object["file"] = std::string(file);
  object["valid"] = valid;
  object["findings"] = std::move(findings);
  object["findingsTotal"] = result.findings_total;
  return ToPrettyJson(object);
}

std::string RenderFindingsGithub(std::string_view file, const LoadResult& result) {
  std::string out;
  for (const Finding& finding : result.findings) {
    absl::StrAppend(&out, "::", Word(finding), " file=", EscapeProperty(std::string(file)));
    if (finding.line > 0) absl::StrAppend(&out, ",line=", finding.line, ",col=", finding.column);
    absl::StrAppend(&out, ",title=", EscapeProperty(finding.code),
                    "::", EscapeMessage(finding.message));
    if (!finding.hint.empty()) absl::StrAppend(&out, "; ", EscapeMessage(finding.hint));
    out += '\n';
  }
  return out;
}

}  // namespace lb::cli
