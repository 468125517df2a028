#include "controlplane/budget/usage_word.h"

#include <gtest/gtest.h>

#include <string>

namespace lb::controlplane {
namespace {

UsageWord Full() {
  UsageWord word;
  word.told = {3, 0.25};
  for (size_t i = 0; i < kMaxUsageClients; ++i)
    word.clients.push_back(
        {HashOfRule("web"), 0xffff'0a00'0001'0000u + i, 123.4, 1'000'000, 77, i % 2 == 0});
  return word;
}

TEST(UsageWordTest, WhatIsToldComesOut) {
  const std::string bytes = EncodeUsage(Full());
  EXPECT_LE(bytes.size(), 1'300u);
  const auto word = DecodeUsage(bytes);
  ASSERT_TRUE(word.has_value());
  EXPECT_EQ(word->told.serving, 3);
  EXPECT_NEAR(word->told.kept_ratio, 0.25, 1e-4);
  ASSERT_EQ(word->clients.size(), kMaxUsageClients);
  const UsageWord::Client& client = word->clients[1];
  EXPECT_EQ(client.rule, HashOfRule("web"));
  EXPECT_EQ(client.prefix, 0xffff'0a00'0001'0001u);
  EXPECT_NEAR(client.demand_per_s, 123.4, 0.1234);
  EXPECT_NEAR(client.slow_demand_per_s, 1e6, 1e3);
  EXPECT_EQ(client.used, 77u);
  EXPECT_FALSE(client.young);
}

TEST(UsageWordTest, NothingIsTheSameAsZero) {
  UsageWord word;
  word.clients.push_back({});
  EXPECT_EQ(DecodeUsage(EncodeUsage(word))->clients[0].demand_per_s, 0);
}

TEST(UsageWordTest, TheWatermarkTakesThePlaceOfAClient) {
  UsageWord word = Full();
  word.clients.pop_back();
  word.watermark_ratio = 0.25;
  const std::string bytes = EncodeUsage(word);
  EXPECT_EQ(bytes.size(), EncodeUsage(Full()).size());
  EXPECT_EQ(bytes[0], EncodeUsage(Full())[0]) << "hosts of an earlier version read it";
  const auto read = DecodeUsage(bytes);
  ASSERT_TRUE(read.has_value());
  EXPECT_NEAR(read->watermark_ratio, 0.25, 1e-3);
  EXPECT_EQ(read->clients.size(), word.clients.size());
  EXPECT_EQ(DecodeUsage(EncodeUsage(Full()))->watermark_ratio, 0);
}

TEST(UsageWordTest, WhatIsCutOrOfAnotherVersionIsRefused) {
  const std::string bytes = EncodeUsage(Full());
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(DecodeUsage(bytes.substr(0, size)).has_value()) << size;
  EXPECT_FALSE(DecodeUsage(bytes + "x").has_value());
  std::string other = bytes;
  other[0] = 2;
  EXPECT_FALSE(DecodeUsage(other).has_value());
}

}  // namespace
}  // namespace lb::controlplane
