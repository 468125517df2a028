#include "dataplane/control/backoff.h"

#include <set>

#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

using std::chrono::milliseconds;

TEST(BackoffTest, DoublesUpToTheLongestAndStaysThere) {
  Backoff backoff(1);
  milliseconds step = Backoff::kFirst;
  for (int attempt = 0; attempt < 20; ++attempt) {
    const milliseconds delay = backoff.Next();
    EXPECT_GE(delay, step / 2);
    EXPECT_LE(delay, step);
    step = std::min(step * 2, Backoff::kLongest);
  }
}

TEST(BackoffTest, StartsAgainAfterASuccess) {
  Backoff backoff(1);
  for (int attempt = 0; attempt < 10; ++attempt) backoff.Next();
  backoff.Reset();
  EXPECT_LE(backoff.Next(), Backoff::kFirst);
}

TEST(BackoffTest, SpreadsWorkersThatFailTogether) {
  std::set<milliseconds> delays;
  for (uint64_t seed = 0; seed < 20; ++seed) delays.insert(Backoff(seed).Next());
  EXPECT_GT(delays.size(), 5u);
}

}  // namespace
}  // namespace lb::dataplane
