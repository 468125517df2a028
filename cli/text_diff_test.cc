#include "cli/text_diff.h"

#include "gtest/gtest.h"

namespace lb::cli {
namespace {

TEST(TextDiffTest, TheSameTextHasNoDiff) { EXPECT_EQ(UnifiedDiff("a", "x\n", "b", "x\n"), ""); }

TEST(TextDiffTest, AChangeIsShownWithThreeLinesAround) {
  EXPECT_EQ(UnifiedDiff("configs/1", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "configs/2",
                        "1\n2\n3\n4\nfive\n6\n7\n8\n9\n"),
            "--- configs/1\n+++ configs/2\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

TEST(TextDiffTest, FarChangesAreTwoHunksAndNearOnesOne) {
  std::string from;
  for (int i = 0; i < 40; ++i) from += std::to_string(i) + "\n";
  std::string to = from;
  to.replace(to.find("\n5\n"), 3, "\nfive\n");
  to.replace(to.find("\n30\n"), 4, "\n");
  const std::string diff = UnifiedDiff("a", from, "b", to);
  EXPECT_NE(diff.find("@@ -3,7 +3,7 @@"), std::string::npos) << diff;
  EXPECT_NE(diff.find("@@ -28,7 +28,6 @@"), std::string::npos) << diff;
  to.replace(to.find("\n8\n"), 3, "\n");
  EXPECT_NE(UnifiedDiff("a", from, "b", to).find("@@ -3,10 +3,9 @@"), std::string::npos);
}

TEST(TextDiffTest, AddedAndRemovedWholeAndControlCharactersVisible) {
  EXPECT_EQ(UnifiedDiff("a", "", "b", "x\x1b\n"), "--- a\n+++ b\n@@ -0,0 +1,1 @@\n+x\\x1b\n");
  EXPECT_EQ(UnifiedDiff("a", "x\n", "b", ""), "--- a\n+++ b\n@@ -1,1 +0,0 @@\n-x\n");
}

}  // namespace
}  // namespace lb::cli
