#include "cli/table.h"

#include <gtest/gtest.h>

#include "cli/text.h"

namespace lb::cli {
namespace {

Table Example() {
  Table table({{"NAME"}, {"CONNS", true}, {"STATE"}});
  table.Add({{"web"}, {"7"}, {"UP", Tone::kGood}});
  table.Add({{"東京-1"}, {"12345"}, {"DOWN", Tone::kBad}});
  return table;
}

TEST(Table, AlignsByColumnsOfTheTerminal) {
  EXPECT_EQ(Example().Render({}),
            "NAME    CONNS  STATE\n"
            "web         7  UP\n"
            "東京-1  12345  DOWN\n");
}

TEST(Table, HeadersCanBeLeftOut) {
  EXPECT_EQ(Example().Render({.headers = false}).find("NAME"), std::string::npos);
}

TEST(Table, ColourIsAddedToAWordAndTakesNoWidth) {
  const std::string text = Example().Render({.color = true});
  EXPECT_NE(text.find("    7  \x1b[32mUP\x1b[0m\n"), std::string::npos) << text;
}

TEST(Table, OnATerminalTheWidestColumnGivesWay) {
  Table table({{"NAME"}, {"DETAIL"}});
  table.Add({{"web"}, {std::string(100, 'x')}});
  const std::string text = table.Render({.width = 30});
  EXPECT_NE(text.find("web   " + std::string(23, 'x') + "…\n"), std::string::npos) << text;
}

TEST(Table, ElsewhereNothingIsCut) {
  Table table({{"NAME"}});
  table.Add({{std::string(5000, 'x')}});
  EXPECT_NE(table.Render({}).find(std::string(5000, 'x')), std::string::npos);
}

TEST(Table, CellsAreEscapedAndEmptyOnesShown) {
  Table table({{"A"}, {"B"}});
  table.Add({{"a\nb\x1b[2J"}, {""}});
  EXPECT_EQ(table.Render({.headers = false}), "a\\nb\\x1b[2J  -\n");
}

TEST(Table, WidthsOnlyGrowWhenRowsAreAppended) {
  Table table({{"NAME"}});
  table.Add({{"abc"}});
  EXPECT_EQ(table.Widths({10}), std::vector<size_t>{10});
  EXPECT_EQ(table.Widths(), std::vector<size_t>{4});
}

TEST(TableTest, NamesAreCutLast) {
  Table table({{"NAME"}, {"DETAIL"}});
  table.Add({{"a-name-to-copy"}, {"words that nobody needs whole"}});
  EXPECT_NE(table.Render({true, false, 26}).find("a-name-to-copy"), std::string::npos);
  const std::string narrow = table.Render({false, false, 12});
  EXPECT_EQ(DisplayWidth(narrow.substr(0, narrow.find('\n'))), 12u) << narrow;
}

}  // namespace
}  // namespace lb::cli
