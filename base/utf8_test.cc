#include "base/utf8.h"

#include "gtest/gtest.h"

namespace lb {
namespace {

TEST(Utf8Test, NoCharacterIsCutInTwo) {
  const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";  // a é € and an emoji.
  EXPECT_EQ(CutUtf8(text, 100), text);
  EXPECT_EQ(CutUtf8(text, 10), text);
  EXPECT_EQ(CutUtf8(text, 9), "a\xC3\xA9\xE2\x82\xAC");
  EXPECT_EQ(CutUtf8(text, 5), "a\xC3\xA9");
  EXPECT_EQ(CutUtf8(text, 3), "a\xC3\xA9");
  EXPECT_EQ(CutUtf8(text, 2), "a");
  EXPECT_EQ(CutUtf8(text, 0), "");
}

TEST(Utf8Test, WhatIsNotUtf8IsReplaced) {
  EXPECT_EQ(CutUtf8("a\xFFz", 100), "a\xEF\xBF\xBDz");
  EXPECT_EQ(CutUtf8("\xC3", 100), "\xEF\xBF\xBD");                    // Half a character.
  EXPECT_EQ(CutUtf8("\xED\xA0\x80", 6), "\xEF\xBF\xBD\xEF\xBF\xBD");  // A surrogate.
  EXPECT_EQ(CutUtf8("\xC0\x80", 100), "\xEF\xBF\xBD\xEF\xBF\xBD");    // Overlong.
}

}  // namespace
}  // namespace lb
