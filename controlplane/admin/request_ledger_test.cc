#include "controlplane/admin/request_ledger.h"

#include "gtest/gtest.h"
#include "lb/admin/v1/config.pb.h"

namespace lb::controlplane {
namespace {

using Verdict = RequestLedger::Verdict;

class RequestLedgerTest : public testing::Test {
 protected:
  Verdict Begin(uint64_t request, const std::string& id, const std::string& content = "x",
                const std::string& caller = "ann") {
    admin::v1::ApplyConfigRequest message;
    message.set_request_id(id);
    message.set_content(content);
    const auto begun = ledger_.Begin(request, caller, message, now_);
    first_ = begun.first;
    return begun.verdict;
  }

  RequestLedger ledger_;
  Instant now_{std::chrono::seconds(1)};
  uint64_t first_ = 0;
};

TEST_F(RequestLedgerTest, ARepeatGetsTheFirstAnswer) {
  EXPECT_EQ(Begin(1, "id"), Verdict::kNew);
  EXPECT_TRUE(ledger_.Ended(1, 10).empty());
  EXPECT_EQ(Begin(2, "id"), Verdict::kRepeat);
  EXPECT_EQ(first_, 1u);
}

TEST_F(RequestLedgerTest, ARepeatOfOneUnderWayWaitsForIt) {
  EXPECT_EQ(Begin(1, "id"), Verdict::kNew);
  EXPECT_TRUE(ledger_.Holds(1));
  EXPECT_EQ(Begin(2, "id"), Verdict::kWait);
  EXPECT_EQ(ledger_.Ended(1, 10), (std::vector<uint64_t>{2}));
  EXPECT_FALSE(ledger_.Holds(1));
}

TEST_F(RequestLedgerTest, AnIdIsOneCallersOneMethodsOneContents) {
  Begin(1, "id");
  EXPECT_EQ(Begin(2, "id", "x", "bob"), Verdict::kNew);
  EXPECT_EQ(Begin(3, "id", "y"), Verdict::kReused);
  EXPECT_EQ(Begin(4, ""), Verdict::kNew);
  EXPECT_EQ(Begin(5, ""), Verdict::kNew);
}

TEST_F(RequestLedgerTest, WhatFailedIsTriedAgain) {
  Begin(1, "id");
  ledger_.Ended(1, std::nullopt);
  EXPECT_EQ(Begin(2, "id"), Verdict::kNew);
}

TEST_F(RequestLedgerTest, AnswersAreForgottenInTime) {
  Begin(1, "id");
  ledger_.Ended(1, 10);
  EXPECT_TRUE(ledger_.TakeExpired(now_).empty());
  now_ += RequestLedger::kKept;
  EXPECT_EQ(ledger_.TakeExpired(now_), (std::vector<uint64_t>{1}));
  EXPECT_EQ(Begin(2, "id"), Verdict::kNew);
}

TEST_F(RequestLedgerTest, NoMoreThanSoManyAreKept) {
  for (uint64_t i = 1; i <= RequestLedger::kMaxKept + 3; ++i) {
    Begin(i, std::to_string(i));
    ledger_.Ended(i, 10);
  }
  EXPECT_EQ(ledger_.TakeExpired(now_), (std::vector<uint64_t>{1, 2, 3}));
}

TEST_F(RequestLedgerTest, AnIdIsShortAndPrintable) {
  admin::v1::ApplyConfigRequest message;
  EXPECT_TRUE(RequestLedger::IsGoodId(message));
  message.set_request_id(std::string(RequestLedger::kMaxIdBytes, 'x'));
  EXPECT_TRUE(RequestLedger::IsGoodId(message));
  for (const std::string& bad : {std::string(RequestLedger::kMaxIdBytes + 1, 'x'),
                                 std::string("a\nb"), std::string("\xC3\xA9")}) {
    message.set_request_id(bad);
    EXPECT_FALSE(RequestLedger::IsGoodId(message)) << bad;
  }
}

TEST_F(RequestLedgerTest, WhatFailedTakesNoPlaceOfWhatIsKept) {
  Begin(1, "good");
  ledger_.Ended(1, 10);
  for (uint64_t i = 2; i <= 2 * RequestLedger::kMaxKept; ++i) {
    Begin(i, std::to_string(i));
    ledger_.Ended(i, std::nullopt);
    EXPECT_TRUE(ledger_.TakeExpired(now_).empty());
  }
  EXPECT_EQ(Begin(9'999'999, "good"), Verdict::kRepeat);
}

TEST_F(RequestLedgerTest, OneThatTakesLongKeepsNoOthers) {
  Begin(1, "slow");
  for (uint64_t i = 2; i <= RequestLedger::kMaxKept + 2; ++i) {
    Begin(i, std::to_string(i));
    ledger_.Ended(i, 10);
  }
  EXPECT_EQ(ledger_.TakeExpired(now_), (std::vector<uint64_t>{2, 3}));
  EXPECT_TRUE(ledger_.Holds(1));
}

TEST_F(RequestLedgerTest, LargeAnswersAreForgottenEarlier) {
  constexpr size_t kRoomForKeys = 2'000;
  Begin(1, "a");
  ledger_.Ended(1, RequestLedger::kMaxKeptBytes - kRoomForKeys);
  EXPECT_TRUE(ledger_.TakeExpired(now_).empty());
  Begin(2, "b");
  ledger_.Ended(2, kRoomForKeys);
  EXPECT_EQ(ledger_.TakeExpired(now_), (std::vector<uint64_t>{1}));
  EXPECT_TRUE(ledger_.TakeExpired(now_).empty());
}

}  // namespace
}  // namespace lb::controlplane
