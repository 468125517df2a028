#include "controlplane/budget/slot_word.h"

#include <gtest/gtest.h>

namespace lb::controlplane {
namespace {

TEST(SlotWordTest, WhatIsWrittenIsRead) {
  ToldSlots told{.limit = 7, .host = 9, .row = {}, .need = ToldNeed{100, 20, 25}};
  told.row.minted = 100;
  told.row.unminted = 5;
  told.row.given[11] = 30;
  told.row.seized[12] = 4;
  const auto texts = EncodeSlots(3, {told});
  ASSERT_EQ(texts.size(), 1u);
  const auto word = DecodeSlots(texts[0]);
  ASSERT_TRUE(word);
  EXPECT_EQ(word->round, 3u);
  EXPECT_TRUE(word->last);
  ASSERT_EQ(word->told.size(), 1u);
  EXPECT_EQ(word->told[0].limit, 7u);
  EXPECT_EQ(word->told[0].host, 9u);
  EXPECT_EQ(word->told[0].row, told.row);
  EXPECT_EQ(word->told[0].need, told.need);
}

TEST(SlotWordTest, NothingIsAWordToo) {
  const auto texts = EncodeSlots(1, {});
  ASSERT_EQ(texts.size(), 1u);
  EXPECT_TRUE(DecodeSlots(texts[0])->last);
}

TEST(SlotWordTest, ALongRowGoesOverSeveralTextsThatFit) {
  ToldSlots told{.limit = 7, .host = 9, .row = {}};
  for (HostId host = 1; host <= 1'000; ++host) told.row.given[host << 40] = (1u << 30) + host;
  const auto texts = EncodeSlots(1, {told, told});
  EXPECT_GT(texts.size(), 10u);
  SlotRights merged;
  uint32_t part = 0;
  for (const std::string& text : texts) {
    EXPECT_LE(text.size(), kMaxSlotTextBytes);
    const auto word = DecodeSlots(text);
    ASSERT_TRUE(word);
    EXPECT_EQ(word->part, part++);
    EXPECT_EQ(word->last, part == texts.size());
    for (const ToldSlots& one : word->told) merged.Merge(one.host, one.row);
  }
  EXPECT_EQ(merged.rows().at(9), told.row);
}

TEST(SlotWordTest, WhatCannotBeIsRefused) {
  const std::string good = EncodeSlots(1, {{.limit = 7, .host = 9, .row = {}}})[0];
  EXPECT_TRUE(DecodeSlots(good));
  EXPECT_FALSE(DecodeSlots(""));
  EXPECT_FALSE(DecodeSlots("\x11" + good.substr(1)));
  EXPECT_FALSE(DecodeSlots(good.substr(0, good.size() - 1)));
  EXPECT_FALSE(DecodeSlots(good + std::string(kMaxSlotTextBytes, '\0')));
  ToldSlots told{.limit = 7, .host = 9, .row = {}};
  told.row.minted = SlotRights::kMaxCount + 1;
  EXPECT_FALSE(DecodeSlots(EncodeSlots(1, {told})[0]));
}

}  // namespace
}  // namespace lb::controlplane
