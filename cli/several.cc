#include "cli/several.h"

#include <algorithm>
#include <boost/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/json.h"
#include "cli/operation.h"
#include "cli/resource.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "cli/views.h"

namespace lb::cli {

namespace {

namespace json = boost::json;

bool IsStructured(const Globals& globals) {
  return globals.output == Output::kJson || globals.output == Output::kYaml;
}

// What came of several names, as one list.
struct Results {
  json::array items;
  json::array errors;
  std::vector<ExitCode> codes;
};

void PrintList(const Globals& globals, const char* kind, Results& results) {
  json::object list = {{"kind", kind}, {"items", std::move(results.items)}};
  if (!results.errors.empty()) list["errors"] = std::move(results.errors);
  WriteOut(globals.output == Output::kJson ? ToPrettyJson(list) : ToYaml(list));
}

void AddError(const std::string& name, const absl::Status& error, const char* prefix,
              Results& results) {
  results.errors.push_back({{"name", name},
                            {"code", absl::StatusCodeToString(error.code())},
                            {"message", absl::StrCat(prefix, error.message())}});
  results.codes.push_back(ExitCodeFor(error));
}

// The others would not fare better.
bool EndsAll(ExitCode code) { return code == ExitCode::kUnreachable || code == ExitCode::kRefused; }

ExitCode CodeOf(const std::vector<ExitCode>& codes) {
  const auto failed = static_cast<size_t>(
      std::count_if(codes.begin(), codes.end(), [](ExitCode c) { return c != ExitCode::kDone; }));
  if (failed == 0) return ExitCode::kDone;
  return failed == codes.size() ? codes[0] : ExitCode::kPartly;
}

}  // namespace

absl::StatusOr<ExitCode> RunForEach(
    const Globals& globals, const char* kind, const std::vector<std::string>& names,
    const std::function<absl::StatusOr<ExitCode>(const std::string& name, const PrintOne& print)>&
        one) {
  Results results;
  const bool lists = names.size() > 1 && IsStructured(globals);
  const PrintOne print = [&](const google::protobuf::Message& message, const std::string& name,
                             const std::string& words) {
    if (!lists) return PrintMessage(globals, message, name, words);
    results.items.push_back(ToJson(message));
  };
  if (names.size() == 1) return one(names[0], print);
  absl::Status ends_all;
  for (const std::string& name : names) {
    if (!ends_all.ok()) {
      AddError(name, ends_all, "not tried: ", results);
      continue;
    }
    const absl::StatusOr<ExitCode> code = one(name, print);
    if (code.ok()) {
      results.codes.push_back(*code);
      continue;
    }
    const absl::Status& error = code.status();
    WriteErr(globals.output == Output::kJson ? RenderErrorJson(error) : RenderError(error));
    AddError(name, error, "", results);
    if (EndsAll(results.codes.back())) ends_all = error;
  }
  if (lists) PrintList(globals, kind, results);
  return CodeOf(results.codes);
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
