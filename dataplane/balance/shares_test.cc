#include "dataplane/balance/shares.h"

#include <chrono>

#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

using Weights = std::vector<uint32_t>;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart = Instant() + seconds(1'000);

BackendFacts Up(uint32_t weight = 1) { return {.weight = weight}; }
BackendFacts Down(uint32_t weight = 1) { return {.weight = weight, .usable = false}; }
BackendFacts Backup(bool usable = true) { return {.backup = true, .usable = usable}; }

Weights InUse(const std::vector<BackendFacts>& facts, double threshold_ratio) {
  Shares shares(facts.size(), {.panic_threshold_ratio = threshold_ratio});
  shares.Update(facts, kStart);
  return shares.weights();
}

bool Panic(const std::vector<BackendFacts>& facts, double threshold_ratio) {
  Shares shares(facts.size(), {.panic_threshold_ratio = threshold_ratio});
  shares.Update(facts, kStart);
  return shares.panic();
}

TEST(SharesTest, OnlyUsableBackendsWithAWeightAreInUse) {
  EXPECT_EQ(InUse({Up(5), Down(3), Up(0), Up(2)}, 0.5), (Weights{5, 0, 0, 2}));
  EXPECT_EQ(InUse({}, 0.5), Weights{});
  EXPECT_EQ(InUse({Up(0), Down(0)}, 0.5), (Weights{0, 0}));
}

TEST(SharesTest, BelowTheThresholdAllAreUsed) {
  // By number: one of three is less than half, however much it weighs.
  EXPECT_EQ(InUse({Up(100), Down(1), Down(2)}, 0.5), (Weights{100, 1, 2}));
  EXPECT_EQ(InUse({Up(1), Down(1)}, 0.5), (Weights{1, 0}));  // Half is not less than half.
  EXPECT_EQ(InUse({Down(4), Down(2)}, 0.5), (Weights{4, 2}));
  EXPECT_EQ(InUse({Down(4), Up(2)}, 1.0), (Weights{4, 2}));
  EXPECT_EQ(InUse({Down(4), Down(2)}, 0), (Weights{0, 0}));
  EXPECT_TRUE(Panic({Down(), Down(), Up()}, 0.5));
  EXPECT_FALSE(Panic({Down(), Up()}, 0.5));
  EXPECT_FALSE(Panic({}, 0.5));
}

TEST(SharesTest, DrainedBackendsHaveNoPartInPanic) {
  EXPECT_EQ(InUse({Up(1), Down(0), Down(0), Down(0)}, 0.5), (Weights{1, 0, 0, 0}));
  EXPECT_EQ(InUse({Down(1), Up(0), Up(0), Up(0)}, 0.5), (Weights{1, 0, 0, 0}));
}

TEST(SharesTest, BackupsAreUsedWhileNoOtherIsUsable) {
  EXPECT_EQ(InUse({Up(), Down(), Backup()}, 0.5), (Weights{1, 0, 0}));
  EXPECT_EQ(InUse({Down(), Down(), Backup()}, 0.5), (Weights{0, 0, 1}));
  EXPECT_EQ(InUse({Up(0), Backup()}, 0.5), (Weights{0, 1}));
  EXPECT_EQ(InUse({Down(), Down(), Backup(), Backup(false)}, 0.5), (Weights{0, 0, 1, 0}));
  // Backups can panic too; with none that is usable the others do.
  EXPECT_EQ(InUse({Down(), Backup(), Backup(false), Backup(false)}, 0.5), (Weights{0, 1, 1, 1}));
  EXPECT_EQ(InUse({Down(), Backup(false)}, 0.5), (Weights{1, 0}));
  EXPECT_EQ(InUse({Backup(false)}, 0.5), (Weights{1}));
}

TEST(SharesTest, BackupsWaitWhileTheyAreUsableAndNotInUse) {
  const auto wait = [](const std::vector<BackendFacts>& facts) {
    Shares shares(facts.size(), {});
    shares.Update(facts, kStart);
    return shares.backups_wait();
  };
  EXPECT_TRUE(wait({Up(), Backup()}));
  EXPECT_FALSE(wait({Up(), Backup(false)}));
  EXPECT_FALSE(wait({Down(), Backup()}));
  EXPECT_FALSE(wait({Up()}));
}

class SlowStartTest : public testing::Test {
 protected:
  Weights At(Duration after, const std::vector<BackendFacts>& facts) {
    shares_.Update(facts, kStart + after);
    return shares_.weights();
  }

  Shares shares_{2, {.panic_threshold_ratio = 0.5, .slow_start = seconds(10)}};
  const BackendFacts old_ = {.weight = 4};
  const BackendFacts fresh_ = {.weight = 2, .since = kStart};
};

TEST_F(SlowStartTest, TheShareGrowsFromATenthToTheWhole) {
  EXPECT_EQ(At(seconds(0), {old_, fresh_}), (Weights{4'000, 200}));
  EXPECT_EQ(At(seconds(5), {old_, fresh_}), (Weights{4'000, 1'100}));
  EXPECT_EQ(shares_.slow(), (Weights{1'000, 550}));
  EXPECT_EQ(At(seconds(10), {old_, fresh_}), (Weights{4'000, 2'000}));
  EXPECT_EQ(At(seconds(-1), {old_, fresh_}), (Weights{4'000, 200}));
}

TEST_F(SlowStartTest, ItIsLookedAtAgainUntilAllHaveGrown) {
  At(seconds(1), {old_, fresh_});
  EXPECT_EQ(shares_.next_change(), kStart + seconds(1) + milliseconds(100));
  At(seconds(10), {old_, fresh_});
  EXPECT_EQ(shares_.next_change(), Instant::max());
  EXPECT_TRUE(shares_.slow().empty());
}

TEST_F(SlowStartTest, NobodyIsSlowAloneOrTogether) {
  EXPECT_EQ(At(seconds(1), {Down(4), fresh_}), (Weights{0, 2'000}));
  EXPECT_EQ(At(seconds(1), {fresh_, fresh_}), (Weights{2'000, 2'000}));
  EXPECT_TRUE(shares_.slow().empty());
}

}  // namespace
}  // namespace lb::dataplane
