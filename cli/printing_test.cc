// Text, ages, suggestions, JSON, YAML and the names of resources.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <map>

#include "cli/age.h"
#include "cli/exit_code.h"
#include "cli/globals.h"
#include "cli/json.h"
#include "cli/resource.h"
#include "cli/suggest.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

using std::chrono::seconds;

TEST(Text, ControlCharactersCannotReachTheTerminal) {
  EXPECT_EQ(Escape("web\x1b[31m\n\t\x7f"), "web\\x1b[31m\\n\\t\\x7f");
  EXPECT_EQ(Escape("\xc2\x9b"), "\\u009b");      // C1 control sequence introducer.
  EXPECT_EQ(Escape("\xe2\x80\xae"), "\\u202e");  // Right-to-left override.
  EXPECT_EQ(EscapeLines("a\n\tb\xc2\x9b\x1b[m\n"), "a\n\tb\\u009b\\x1b[m\n");
  EXPECT_EQ(Escape("\xff\xc3"), "\\xff\\xc3");  // Not UTF-8.
  EXPECT_EQ(Escape("\xc0\x9b"), "\\xc0\\x9b");  // Overlong.
  EXPECT_EQ(Escape("grün 東京"), "grün 東京");
}

TEST(Text, WidthCountsColumnsNotBytes) {
  EXPECT_EQ(DisplayWidth("grün"), 4u);
  EXPECT_EQ(DisplayWidth("東京"), 4u);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1u);
}

TEST(Text, ShortenedTextFitsAndSaysSo) {
  EXPECT_EQ(Shorten("backend", 7), "backend");
  EXPECT_EQ(Shorten("backend", 5), "back…");
  EXPECT_EQ(Shorten("東京都", 4), "東…");
}

TEST(Age, HasAtMostTwoUnits) {
  EXPECT_EQ(FormatAge(seconds(-5)), "0s");
  EXPECT_EQ(FormatAge(seconds(59)), "59s");
  EXPECT_EQ(FormatAge(seconds(250)), "4m10s");
  EXPECT_EQ(FormatAge(seconds(14 * 60 + 59)), "14m");
  EXPECT_EQ(FormatAge(seconds(2 * 3600 + 300)), "2h5m");
  EXPECT_EQ(FormatAge(seconds(6 * 86400 + 2 * 3600)), "6d2h");
  EXPECT_EQ(FormatAge(seconds(400 * 86400LL)), "400d");
}

TEST(Age, BytesGetABinaryUnit) {
  EXPECT_EQ(FormatBytes(1023), "1023B");
  EXPECT_EQ(FormatBytes(1536), "1.5KiB");
  EXPECT_EQ(FormatBytes(12ull << 30), "12GiB");
  EXPECT_EQ(FormatBytes(~0ull), "16EiB");
}

TEST(Age, DurationsNeedAUnitAndARange) {
  EXPECT_EQ(ParseDuration("--timeout", "1m30s")->count(), 90'000);
  for (const char* bad : {"30", "", "5 apples", "0s", "-1s", "25h", "inf"}) {
    const auto parsed = ParseDuration("--timeout", bad);
    ASSERT_FALSE(parsed.ok()) << bad;
    EXPECT_EQ(ExitCodeFor(parsed.status()), ExitCode::kUsage);
    EXPECT_NE(std::string(parsed.status().message()).find("--timeout"), std::string::npos);
  }
}

TEST(Suggest, FindsTheClosestWordWithinTwoEdits) {
  EXPECT_EQ(Closest("bakends", {"rules", "backends"}), "backends");
  EXPECT_EQ(Closest("statsu", {"status"}), "status");
  EXPECT_EQ(Closest("worker-11", {"worker-2", "worker-1"}), "worker-1");
  EXPECT_EQ(Closest("elephant", {"rules", "backends"}), "");
  EXPECT_EQ(Closest("x", {"be"}), "");
  EXPECT_EQ(EditDistance("ab", "ba"), 1u);
}

TEST(Suggest, WhatTheControlPlaneSuggestedIsNotSaidTwice) {
  EXPECT_TRUE(SuggestsAlready("'rules/wbe' does not exist; did you mean 'rules/web'?"));
  EXPECT_FALSE(SuggestsAlready("'rules/wbe' does not exist"));
}

TEST(Json, IsIndentedAndSafeForTerminals) {
  const boost::json::value value = {{"a", {1, "x\x1b\xc2\x9b"}}, {"b", boost::json::object()}};
  EXPECT_EQ(ToCompactJson(value), R"({"a":[1,"x\u001b\u009b"],"b":{}})");
  EXPECT_EQ(ToPrettyJson(value),
            "{\n  \"a\": [\n    1,\n    \"x\\u001b\\u009b\"\n  ],\n  \"b\": {}\n}\n");
}

TEST(Yaml, QuotesWhatReadersWouldMistake) {
  const boost::json::value value = {
      {"kind", "RuleList"},
      {"items", {{{"name", "rules/web"}, {"list", boost::json::array()}, {"on", "yes"}}, "0x1f"}}};
  EXPECT_EQ(ToYaml(value),
            "kind: RuleList\n"
            "items:\n"
            "- name: rules/web\n"
            "  list: []\n"
            "  \"on\": \"yes\"\n"
            "- \"0x1f\"\n");
}

TEST(Resource, AllSpellingsOfABackendNameTheSame) {
  const std::string full = "rules/web/backends/web-1";
  const std::vector<std::vector<std::string>> spellings = {
      {"backends", "web/web-1"}, {"be", full},     {"backend", "backends/web/web-1"},
      {"backends/web/web-1"},    {"be/web/web-1"}, {full}};
  for (const auto& words : spellings) {
    const auto selection = ParseSelection(words, "");
    ASSERT_TRUE(selection.ok()) << words[0] << selection.status();
    EXPECT_EQ(selection->type, Type::kBackend);
    EXPECT_EQ(selection->names, std::vector<std::string>{full});
  }
  EXPECT_EQ(ParseSelection({"be", "web-1"}, "web")->names, std::vector<std::string>{full});
  EXPECT_EQ(ParseSelection({"be", "web-1"}, "")->names[0], "rules/-/backends/web-1");
}

TEST(Resource, TypesHaveShortSingularAndPluralNames) {
  for (const char* word : {"rule", "rules", "ru"})
    EXPECT_EQ(ParseSelection({word, "web"}, "")->names[0], "rules/web") << word;
  for (const char* word : {"worker", "workers", "wo"})
    EXPECT_EQ(ParseSelection({word}, "")->type, Type::kWorker) << word;
  for (const char* word : {"member", "members", "me"})
    EXPECT_EQ(ParseSelection({word, "lb-1"}, "")->names[0], "members/lb-1") << word;
  EXPECT_EQ(ParseSelection({"rules/web", "rules/api"}, "")->names.size(), 2u);
}

TEST(Resource, NonsenseIsAUsageError) {
  const std::vector<std::vector<std::string>> wrong = {
      {}, {"bakends"}, {"rules/web", "workers/w"}, {"rules", "a/b/c"}, {"rules/"}, {"rules", ""}};
  for (const auto& words : wrong)
    EXPECT_EQ(ExitCodeFor(ParseSelection(words, "").status()), ExitCode::kUsage);
  EXPECT_FALSE(ParseSelection({"workers"}, "web").ok());
  EXPECT_FALSE(ParseSelection({"be", "api/a-1"}, "web").ok());
}

class Environment final {
 public:
  std::map<std::string, std::string> variables;
  GetEnv get() const {
    return [this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      if (found == variables.end()) return std::nullopt;
      return found->second;
    };
  }
};

TEST(Globals, FlagBeatsEnvironmentBeatsDefault) {
  Environment environment;
  EXPECT_EQ(Resolve({}, environment.get(), false)->timeout.count(), 5'000);
  EXPECT_EQ(Resolve({}, environment.get(), false)->endpoints[0], "unix:/run/lb/admin.sock");
  environment.variables = {{"LBCTL_TIMEOUT", "2s"}, {"LBCTL_ENDPOINT", "unix:/a"}};
  EXPECT_EQ(Resolve({}, environment.get(), false)->timeout.count(), 2'000);
  GlobalFlags flags;
  flags.timeout = "1s";
  flags.endpoints = {"unix:/b"};
  EXPECT_EQ(Resolve(flags, environment.get(), false)->timeout.count(), 1'000);
  EXPECT_EQ(Resolve(flags, environment.get(), false)->endpoints[0], "unix:/b");
}

TEST(Globals, ColourNeedsATerminalThatWantsIt) {
  Environment environment;
  environment.variables = {{"TERM", "xterm"}};
  EXPECT_TRUE(Resolve({}, environment.get(), true)->color);
  EXPECT_FALSE(Resolve({}, environment.get(), false)->color);
  environment.variables = {{"TERM", "dumb"}};
  EXPECT_FALSE(Resolve({}, environment.get(), true)->color);
  environment.variables = {{"TERM", "xterm"}, {"NO_COLOR", "1"}};
  EXPECT_FALSE(Resolve({}, environment.get(), true)->color);
  GlobalFlags flags;
  flags.color = "always";
  EXPECT_TRUE(Resolve(flags, environment.get(), false)->color);
  flags.no_color = true;
  EXPECT_FALSE(Resolve(flags, environment.get(), true)->color);
  flags.color = "sometimes";
  EXPECT_FALSE(Resolve(flags, environment.get(), true).ok());
}

TEST(Errors, AreOneLineOfJsonWhenAskedFor) {
  absl::Status status = absl::NotFoundError("no\nrule");
  SetReason(status, "RULE_NOT_FOUND");
  SetHint(status, "did you mean 'web'?");
  EXPECT_EQ(RenderErrorJson(status),
            R"({"kind":"Error","code":"NOT_FOUND","reason":"RULE_NOT_FOUND","message":"no\nrule",)"
            R"("hint":"did you mean 'web'?","exitCode":3})"
            "\n");
  EXPECT_EQ(RenderError(status), "lbctl: no\\nrule (RULE_NOT_FOUND)\n  did you mean 'web'?\n");
}

}  // namespace
}  // namespace lb::cli
