#include "controlplane/revision/history.h"

#include "base/sha256.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

const Revision& Add(History& history, const std::string& content, std::vector<uint64_t>& dropped) {
  return history.Add(content, Sha256(content), WallTime(std::chrono::seconds(1)),
                     {admin::v1::Config::SOURCE_API, "admin/ann", "why"}, dropped);
}

TEST(HistoryTest, NumbersGoOnAfterARestartAlsoWhenContentsAreLost) {
  History history;
  std::vector<uint64_t> dropped;
  Add(history, "one", dropped);
  Add(history, "two", dropped);
  state::v1::StoredState state;
  history.Store(state);

  History restored;
  restored.Restore(state, {{1, "one"}, {2, "damaged"}});
  ASSERT_NE(restored.newest(), nullptr);
  EXPECT_EQ(restored.newest()->number, 1u);
  EXPECT_EQ(restored.newest()->content, "one");
  EXPECT_EQ(restored.newest()->origin.author, "admin/ann");
  EXPECT_EQ(restored.newest()->time, WallTime(std::chrono::seconds(1)));
  EXPECT_EQ(Add(restored, "three", dropped).number, 3u);
}

TEST(HistoryTest, TheOldestGoFirst) {
  History history;
  std::vector<uint64_t> dropped;
  for (size_t i = 0; i < History::kMaxRevisions + 2; ++i) Add(history, std::to_string(i), dropped);
  EXPECT_EQ(dropped, (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(history.all().size(), History::kMaxRevisions);
}

TEST(HistoryTest, TheOneToGoBackToStaysHoweverLargeTheyAre) {
  History history;
  std::vector<uint64_t> dropped;
  for (char c = 'a'; c < 'e'; ++c) Add(history, std::string(History::kMaxBytes - 1, c), dropped);
  EXPECT_EQ(dropped, (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(history.previous()->number, 3u);
}

}  // namespace
}  // namespace lb::controlplane
