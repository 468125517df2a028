#include "controlplane/health/outlier_book.h"

#include <chrono>

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using std::chrono::seconds;

constexpr Instant kNow{};
const WorkerKey kFirst{"worker-1", "a"};
const WorkerKey kSecond{"worker-2", "b"};
const BackendKey kBackend{"web", "web-1"};

LiveRules Rules() {
  LiveRule rule;
  rule.name = "web";
  rule.outlier_detection.emplace();
  rule.backends.emplace_back().name = "web-1";
  return {rule};
}

worker::v1::StatsReport Report(uint64_t number, int64_t returns_in_s) {
  worker::v1::StatsReport report;
  auto& backend = *report.add_backends();
  backend.set_rule("web");
  backend.set_backend("web-1");
  backend.set_ejections_total(number);
  if (returns_in_s == 0) return report;
  backend.mutable_ejection()->set_reason("reset");
  backend.mutable_ejection()->set_failures(5);
  backend.mutable_ejection()->mutable_returns_in()->set_seconds(returns_in_s);
  return report;
}

TEST(OutlierBookTest, TheFirstWorkerThatEjectsAndTheLastThatReturnsAreNews) {
  OutlierBook book;
  const auto ejected = book.Report(kFirst, Report(1, 10), Rules(), kNow);
  ASSERT_EQ(ejected.size(), 1u);
  EXPECT_TRUE(ejected[0].ejected);
  EXPECT_EQ(ejected[0].ejection.failures, 5u);
  EXPECT_TRUE(book.Report(kSecond, Report(1, 20), Rules(), kNow).empty());
  EXPECT_EQ(book.Find(kBackend, kNow)->workers, 2u);
  EXPECT_EQ(book.Find(kBackend, kNow)->longest.until, kNow + seconds(20));
  EXPECT_TRUE(book.Report(kSecond, Report(1, 0), Rules(), kNow).empty());
  const auto returned = book.Report(kFirst, Report(1, 0), Rules(), kNow);
  ASSERT_EQ(returned.size(), 1u);
  EXPECT_FALSE(returned[0].ejected);
  EXPECT_FALSE(book.Find(kBackend, kNow).has_value());
}

TEST(OutlierBookTest, AnEjectionToldAgainEndsWhenItWasSaidToAtFirst) {
  OutlierBook book;
  book.Report(kFirst, Report(1, 10), Rules(), kNow);
  book.Report(kFirst, Report(1, 10), Rules(), kNow + seconds(1));
  EXPECT_EQ(book.Find(kBackend, kNow)->longest.until, kNow + seconds(10));
  book.Report(kFirst, Report(2, 20), Rules(), kNow + seconds(2));
  EXPECT_EQ(book.Find(kBackend, kNow)->longest.until, kNow + seconds(22));
}

TEST(OutlierBookTest, AWorkerThatIsGoneLeavesNobodyOut) {
  OutlierBook book;
  book.Report(kFirst, Report(1, 10), Rules(), kNow);
  EXPECT_TRUE(book.Forget(kSecond, kNow).empty());
  EXPECT_EQ(book.Forget(kFirst, kNow).size(), 1u);
  EXPECT_FALSE(book.Find(kBackend, kNow).has_value());
}

TEST(OutlierBookTest, AnEjectionEndsByItsTimeWhenNobodySaysSo) {
  OutlierBook book;
  EXPECT_EQ(book.NextDeadline(), Instant::max());
  book.Report(kFirst, Report(1, 10), Rules(), kNow);
  book.Report(kSecond, Report(1, 20), Rules(), kNow);
  EXPECT_EQ(book.NextDeadline(), kNow + seconds(20));
  EXPECT_TRUE(book.Step(kNow + seconds(10)).empty());
  EXPECT_EQ(book.Find(kBackend, kNow + seconds(10))->workers, 1u);
  const auto returned = book.Step(kNow + seconds(20));
  ASSERT_EQ(returned.size(), 1u);
  EXPECT_FALSE(returned[0].ejected);
  EXPECT_FALSE(book.Find(kBackend, kNow + seconds(20)).has_value());
  EXPECT_EQ(book.NextDeadline(), Instant::max());
  // A report that was under way does not begin it anew; the next ejection is news.
  EXPECT_TRUE(book.Report(kSecond, Report(1, 1), Rules(), kNow + seconds(20)).empty());
  EXPECT_EQ(book.Report(kSecond, Report(2, 20), Rules(), kNow + seconds(21)).size(), 1u);
}

TEST(OutlierBookTest, OnlyBackendsOfRulesThatDetectOutliersAreKept) {
  OutlierBook book;
  LiveRules rules = Rules();
  book.Report(kFirst, Report(1, 10), rules, kNow);
  rules[0].outlier_detection.reset();
  book.Keep(rules);
  EXPECT_FALSE(book.Find(kBackend, kNow).has_value());
  EXPECT_TRUE(book.Report(kFirst, Report(1, 10), rules, kNow).empty());
  EXPECT_TRUE(book.Report(kFirst, Report(1, 10), {}, kNow).empty());
}

}  // namespace
}  // namespace lb::controlplane
