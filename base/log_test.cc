#include "base/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"

namespace lb {
namespace {

// What is written to standard error meanwhile. `stream`: JOURNAL_STREAM, made of the device and
// inode that standard error then has.
std::string Written(const std::function<std::string(const struct stat&)>& stream) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd kept(::dup(STDERR_FILENO));
  ::dup2(ends[1], STDERR_FILENO);
  ::close(ends[1]);
  struct stat file {};
  ::fstat(STDERR_FILENO, &file);
  ::setenv("JOURNAL_STREAM", stream(file).c_str(), 1);
  EXPECT_TRUE(SetUpLog("trace", "text").ok());
  LogError("e");
  LogWarn("w");
  LogInfo("i");
  Log(LogLevel::kDebug, "d");
  ::dup2(kept.get(), STDERR_FILENO);
  ::unsetenv("JOURNAL_STREAM");
  EXPECT_TRUE(SetUpLog("info", "text").ok());
  std::string text(4096, '\0');
  text.resize(static_cast<size_t>(std::max<ssize_t>(::read(reader.get(), text.data(), 4096), 0)));
  return text;
}

// The first bytes of each line.
std::string Beginnings(const std::string& text) {
  std::string out;
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) out += text.substr(at, 3);
  return out;
}

TEST(LogTest, TheJournalIsToldThePriorityOfALine) {
  EXPECT_EQ(Beginnings(Written([](const struct stat& file) {
              return absl::StrCat(file.st_dev, ":", file.st_ino);
            })),
            "<3><4><6><7>");
}

TEST(LogTest, AFileIsNoJournalThoughTheVariableIsInherited) {
  const std::string text = Written(
      [](const struct stat& file) { return absl::StrCat(file.st_dev, ":", file.st_ino + 1); });
  EXPECT_NE(text.find(" error e\n"), std::string::npos) << text;
  EXPECT_EQ(text.find('<'), std::string::npos) << text;
}

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
