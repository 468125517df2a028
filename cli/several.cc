#include "cli/several.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/resource.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace lb::cli {

absl::StatusOr<ExitCode> RunForEach(
    const Globals& globals, const std::vector<std::string>& names,
    const std::function<absl::StatusOr<ExitCode>(const std::string& name)>& one) {
  if (names.size() == 1) return one(names[0]);
  std::vector<ExitCode> codes;
  for (const std::string& name : names) {
    const absl::StatusOr<ExitCode> code = one(name);
    codes.push_back(code.ok() ? *code : ExitCodeFor(code.status()));
    if (code.ok()) continue;
    const bool is_json = globals.output == Output::kJson;
    WriteErr(is_json ? RenderErrorJson(code.status()) : RenderError(code.status()));
    const bool ends_all =
        codes.back() == ExitCode::kUnreachable || codes.back() == ExitCode::kRefused;
    if (ends_all) codes.resize(names.size(), codes.back());
    if (ends_all) break;
  }
  const auto failed = static_cast<size_t>(
      std::count_if(codes.begin(), codes.end(), [](ExitCode c) { return c != ExitCode::kDone; }));
  if (failed == 0) return ExitCode::kDone;
  return failed == codes.size() ? codes[0] : ExitCode::kPartly;
}

absl::StatusOr<std::vector<std::string>> ParseBackendNames(const std::vector<std::string>& words) {
  if (words.empty()) return UsageError("the name of a backend is missing: RULE/BACKEND");
  std::vector<std::string> all = {"backends"};
  all.insert(all.end(), words.begin(), words.end());
  LB_ASSIGN_OR_RETURN(const Selection selection, ParseSelection(all, ""));
  for (const std::string& name : selection.names)
    if (absl::StartsWith(name, "rules/-/"))
      return UsageError(
          absl::StrCat("'", Escape(Leaf(name)), "' does not say its rule: write RULE/BACKEND"),
          "see: lbctl get backends");
  return selection.names;
}

std::string ShortBackendName(const std::string& name) {
  return Escape(absl::StrCat(RuleOf(name), "/", Leaf(name)));
}

}  // namespace lb::cli
