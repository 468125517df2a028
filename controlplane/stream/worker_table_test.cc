#include "controlplane/stream/worker_table.h"

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

constexpr Instant kNow = Instant(std::chrono::hours(4));

worker::v1::Hello HelloOf(const std::string& id, const std::string& incarnation, uint32_t pid) {
  worker::v1::Hello hello;
  hello.mutable_worker()->set_id(id);
  hello.mutable_worker()->set_incarnation(incarnation);
  hello.mutable_worker()->set_pid(pid);
  return hello;
}

class WorkerTableTest : public testing::Test {
 protected:
  WorkerRecord* Connect(SessionId session, const worker::v1::Hello& hello) {
    return table_.Connect(session, hello, kNow, replaced_);
  }

  WorkerTable table_;
  std::optional<SessionId> replaced_;
};

TEST_F(WorkerTableTest, AWorkerIsKnownUntilItsStreamAndItsProcessAreGone) {
  Connect(1, HelloOf("w", "a", 10));
  EXPECT_FALSE(table_.Disconnect(1));
  ASSERT_NE(table_.Find({"w", "a"}), nullptr);
  EXPECT_FALSE(table_.Find({"w", "a"})->session);
  EXPECT_EQ(table_.ProcessGone(11, 0).size(), 0u);
  EXPECT_EQ(table_.ProcessGone(10, 0), (std::vector<WorkerKey>{{"w", "a"}}));
  EXPECT_EQ(table_.Find({"w", "a"}), nullptr);

  Connect(2, HelloOf("w", "b", 20));
  EXPECT_TRUE(table_.ProcessGone(20, 0).empty());  // Its stream may still carry messages.
  EXPECT_EQ(table_.Disconnect(2), (WorkerKey{"w", "b"}));
  EXPECT_TRUE(table_.workers().empty());
  EXPECT_TRUE(table_.sessions().empty());
}

TEST_F(WorkerTableTest, AProcessIsTheOneThatStartedThen) {
  table_.Restore({"w", "old"}, 10, 70, kNow);
  Connect(1, HelloOf("w", "new", 10))->start_ticks = 90;
  EXPECT_EQ(table_.ProcessGone(10, 70), (std::vector<WorkerKey>{{"w", "old"}}));
  EXPECT_FALSE(table_.Find({"w", "new"})->process_gone);
}

TEST_F(WorkerTableTest, APidThatIsTakenIsNoOlderWorkersAnyMore) {
  table_.Restore({"w", "other"}, 11, 0, kNow);
  table_.Restore({"w", "old"}, 10, 0, kNow);
  Connect(1, HelloOf("w", "still-here", 10))->start_ticks = 80;
  Connect(2, HelloOf("w", "new", 10))->start_ticks = 90;
  EXPECT_EQ(table_.PidTaken({"w", "new"}), (std::vector<WorkerKey>{{"w", "old"}}));
  EXPECT_EQ(table_.Disconnect(1), (WorkerKey{"w", "still-here"}));
  EXPECT_NE(table_.Find({"w", "other"}), nullptr);
  EXPECT_FALSE(table_.Find({"w", "new"})->process_gone);
}

TEST_F(WorkerTableTest, ANewStreamOfAProcessTakesThePlaceOfTheOldOne) {
  Connect(1, HelloOf("w", "a", 10));
  EXPECT_FALSE(replaced_);
  Connect(2, HelloOf("w", "a", 10));
  EXPECT_EQ(replaced_, 1u);
  EXPECT_EQ(table_.FindSession(1), nullptr);
  EXPECT_FALSE(table_.Disconnect(1));
  ASSERT_NE(table_.FindSession(2), nullptr);
  EXPECT_EQ(table_.FindSession(2)->session, 2u);
}

TEST_F(WorkerTableTest, OldAndNewOfOneIdAreTwoAndTheNewestIsTheLastToSayHello) {
  Connect(1, HelloOf("w", "b", 10));
  Connect(2, HelloOf("w", "a", 11));
  Connect(3, HelloOf("w2", "z", 12));
  EXPECT_EQ(table_.workers().size(), 3u);
  EXPECT_EQ(table_.FindNewest("w")->identity.incarnation(), "a");
  EXPECT_EQ(table_.FindNewest("x"), nullptr);
}

TEST_F(WorkerTableTest, TheTableIsBoundedButAKnownWorkerAlwaysComesBack) {
  for (uint32_t i = 0; i < WorkerTable::kMaxWorkers; ++i)
    ASSERT_NE(Connect(i + 1, HelloOf("w" + std::to_string(i), "a", i + 1)), nullptr);
  EXPECT_EQ(Connect(9'999, HelloOf("one-more", "a", 9'999)), nullptr);
  EXPECT_EQ(table_.FindSession(9'999), nullptr);
  EXPECT_NE(Connect(10'000, HelloOf("w0", "a", 1)), nullptr);
  table_.Restore({"another", "a"}, 5, 0, kNow);
  EXPECT_EQ(table_.workers().size(), WorkerTable::kMaxWorkers);
}

TEST_F(WorkerTableTest, OnlyAWorkerThatServesNothingYetWaitsForSlots) {
  EXPECT_EQ(Connect(1, HelloOf("w", "a", 10))->await_slots_until, kNow + WorkerTable::kAwaitSlots);
  worker::v1::Hello serving = HelloOf("w", "a", 10);
  serving.mutable_running()->set_epoch(1);
  EXPECT_FALSE(Connect(2, serving)->await_slots_until);
}

}  // namespace
}  // namespace lb::controlplane
