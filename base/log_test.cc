#include "base/log.h"

#include "gtest/gtest.h"

namespace lb {
namespace {

TEST(LogTest, TextQuotesWhatASpaceOrAControlCharacterWouldBreak) {
  EXPECT_EQ(RenderLogLine(LogFormat::kText, "T", LogLevel::kInfo, "rule added",
                          {{"rule", "web"}, {"why", "a \"b\"\n\x1b[0m"}, {"empty", ""}}),
            "T info rule added rule=web why=\"a \\\"b\\\"\\n\\x1b[0m\" empty=\"\"");
}

TEST(LogTest, ASingleQuoteNeedsNoEscape) {
  EXPECT_EQ(RenderLogLine(LogFormat::kText, "T", LogLevel::kInfo, "m",
                          {{"problem", "unknown key 'a\"b'"}}),
            "T info m problem=\"unknown key 'a\\\"b'\"");
}

TEST(LogTest, JsonIsOneValidObjectWhateverTheBytes) {
  EXPECT_EQ(RenderLogLine(LogFormat::kJson, "T", LogLevel::kWarn, "m", {{"k", "a\"\n"}}),
            "{\"ts\":\"T\",\"level\":\"warn\",\"msg\":\"m\",\"k\":\"a\\\"\\n\"}");
  EXPECT_EQ(RenderLogLine(LogFormat::kJson, "T", LogLevel::kError, "m", {{"k", "\xff"}}),
            "{\"ts\":\"T\",\"level\":\"error\",\"msg\":\"m\",\"k\":\"\\\\xff\"}");
}

TEST(LogTest, SetUpNamesTheBadWord) {
  EXPECT_EQ(SetUpLog("loud", "text").message(),
            "log level 'loud': use error, warn, info, debug or trace");
  EXPECT_EQ(SetUpLog("info", "xml").message(), "log format 'xml': use text or json");
}

}  // namespace
}  // namespace lb
