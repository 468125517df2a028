#include "dataplane/control/heap_trim.h"

#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

constexpr Instant kStart = Instant{} + std::chrono::hours(1);

TEST(HeapTrimTest, OnlyALargeFallIsWorthIt) {
  HeapTrim trim;
  EXPECT_FALSE(trim.Due(10'000, kStart));
  EXPECT_FALSE(trim.Due(6'000, kStart));
  EXPECT_TRUE(trim.Due(4'000, kStart));
  EXPECT_FALSE(trim.Due(4'000, kStart + HeapTrim::kInterval));
}

TEST(HeapTrimTest, AFewConnectionsComeAndGoFreely) {
  HeapTrim trim;
  EXPECT_FALSE(trim.Due(HeapTrim::kMinFall - 1, kStart));
  EXPECT_FALSE(trim.Due(0, kStart));
}

TEST(HeapTrimTest, FallsInARowAreTakenTogether) {
  HeapTrim trim;
  EXPECT_FALSE(trim.Due(8'000, kStart));
  EXPECT_TRUE(trim.Due(4'000, kStart));
  EXPECT_FALSE(trim.Due(0, kStart));
  EXPECT_TRUE(trim.Due(0, kStart + HeapTrim::kInterval));
}

}  // namespace
}  // namespace lb::dataplane
