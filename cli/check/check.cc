#include "cli/check/check.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "cli/check/checks.h"
#include "cli/check/gather.h"
#include "cli/json.h"
#include "cli/suggest.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

constexpr std::chrono::milliseconds kRetry{500};

absl::Status NotOneOf(const char* flag, const std::string& word,
                      const std::vector<std::string>& words) {
  return UsageError(
      absl::StrCat(flag, ": '", Escape(word), "' is not one of ", absl::StrJoin(words, ", ")),
      DidYouMean(word, words));
}

absl::StatusOr<std::set<Category>> ParseCategories(const std::vector<std::string>& words) {
  const std::vector<std::string> names(kCategoryNames.begin(), kCategoryNames.end());
  std::set<Category> categories;
  for (const std::string& word : words) {
    const auto at = std::find(names.begin(), names.end(), word);
    if (at == names.end()) return NotOneOf("--only", word, names);
    categories.insert(static_cast<Category>(at - names.begin()));
  }
  return categories;
}

// POSIX: the first of these that is set and not empty decides.
bool LocaleIsUtf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string lower = absl::AsciiStrToLower(value);
    return absl::StrContains(lower, "utf-8") || absl::StrContains(lower, "utf8");
  }
  return false;
}

std::string Render(const Globals& globals, const Report& report, bool success) {
  if (globals.output == Output::kJson) return ToPrettyJson(ReportJson(report, success));
  if (globals.output == Output::kYaml) return ToYaml(ReportJson(report, success));
  return RenderReport(report, {globals.color, StdoutIsTty() && LocaleIsUtf8()});
}

}  // namespace

absl::StatusOr<ExitCode> RunCheck(const Globals& globals, const CheckOptions& options) {
  LB_ASSIGN_OR_RETURN(const std::set<Category> only, ParseCategories(options.only));
  if (!options.fail_on.empty() && options.fail_on != "warning" && options.fail_on != "error")
    return NotOneOf("--fail-on", options.fail_on, {"warning", "error"});
  if (globals.output == Output::kName || globals.output == Output::kJsonPath)
    return UsageError("-o: check prints table, json or yaml");
  const Instant end = ReadClocks().steady + options.wait;
  for (;;) {
    Report report(only);
    RunChecks(
        GatherFacts(globals, {.pre = options.pre, .config = options.config}, ReadClocks().wall),
        report);
    const bool success =
        report.errors() == 0 && (options.fail_on != "warning" || report.warnings() == 0);
    if (success || ReadClocks().steady + kRetry > end) {
      WriteOut(Render(globals, report, success));
      return success ? ExitCode::kDone : ExitCode::kFindings;
    }
    Pause(kRetry);
  }
}

}  // namespace lb::cli
