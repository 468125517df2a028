// Goal: what a report shows is what was found: counted, bounded, escaped, in order; and the
// document explains every code.

#include "cli/check/report.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <regex>

namespace lb::cli {
namespace {

Report Example() {
  Report report;
  report.End(codes::kSomaxconn);
  report.Skip(codes::kConntrack, "not loaded");
  report.Skip(codes::kReusePort, "not tried");
  report.Skip(codes::kSplice, "not tried");
  report.Error(codes::kBindRefused, "workers/a\x1b[31m cannot bind", "free the port");
  report.End(codes::kBindRefused);
  report.Warn(codes::kBackendDown, "web-1 is DOWN", "look\nat it");
  report.End(codes::kBackendDown);
  return report;
}

TEST(ReportTest, LinesHaveMarkCodeAndHint) {
  EXPECT_EQ(RenderReport(Example(), {}),
            "kernel\n------\n"
            "ok   listen queues are as long as workers ask for\n"
            "-    not checked: LBC107: not loaded\n"
            "-    not checked: LBC108 LBC109: not tried\n"
            "\nports\n-----\n"
            "FAIL LBC301 workers/a\\x1b[31m cannot bind\n    free the port\n"
            "\nbackends\n--------\n"
            "warn LBC801 web-1 is DOWN\n    look\n    at it\n"
            "\nStatus check results: 1 error, 1 warning\n");
  const std::string symbols = RenderReport(Example(), {.color = false, .symbols = true});
  EXPECT_NE(symbols.find("√ listen"), std::string::npos) << symbols;
  EXPECT_NE(symbols.find("× LBC301"), std::string::npos) << symbols;
  EXPECT_NE(symbols.find("‼ LBC801"), std::string::npos) << symbols;
}

TEST(ReportTest, JsonHasCategoriesWithTheirChecks) {
  const boost::json::value json = ReportJson(Example(), false);
  EXPECT_EQ(json.at("success"), false);
  const auto& categories = json.at("categories").as_array();
  ASSERT_EQ(categories.size(), 3u);
  EXPECT_EQ(categories[0].at("categoryName"), "kernel");
  const auto& ports = categories[1].at("checks").as_array();
  ASSERT_EQ(ports.size(), 1u);
  EXPECT_EQ(ports[0].at("id"), "LBC301");
  EXPECT_EQ(ports[0].at("result"), "error");
  EXPECT_EQ(ports[0].at("hint"), "free the port");
}

TEST(ReportTest, ManyFindingsOfOneCodeAreCountedNotListed) {
  Report report;
  for (int i = 0; i < 1000; ++i) report.Warn(codes::kBackendDown, "down", "look");
  report.End(codes::kBackendDown);
  EXPECT_EQ(report.lines().size(), Report::kMaxListed);
  EXPECT_EQ(report.warnings(), 1000u);
  EXPECT_EQ(report.lines().back().text, "down; and 980 more");
}

TEST(ReportTest, OtherCategoriesAreLeftOut) {
  Report report({Category::kBackends});
  report.Error(codes::kBindRefused, "x", "y");
  report.End(codes::kBindRefused);
  report.End(codes::kBackendDown);
  ASSERT_EQ(report.lines().size(), 1u);
  EXPECT_EQ(report.errors(), 0u);
}

TEST(ReportTest, CodesAreInOrderAndTheDocumentExplainsEachAndNoOther) {
  std::ifstream file("docs/checks.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> documented;
  const std::regex row("\\| `(LBC[0-9]{3})` \\|");
  for (std::sregex_iterator at(text.begin(), text.end(), row), end; at != end; ++at)
    documented.push_back((*at)[1]);
  std::vector<std::string> known;
  Category last = Category::kKernel;
  for (const Code* code : kAllCodes) {
    EXPECT_GE(code->category, last) << code->id;
    last = code->category;
    // The hundreds of a code are its category.
    EXPECT_EQ(code->id[3] - '1', static_cast<int>(code->category)) << code->id;
    known.emplace_back(code->id);
  }
  EXPECT_EQ(documented, known);
}

}  // namespace
}  // namespace lb::cli
