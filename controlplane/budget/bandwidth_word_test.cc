#include "controlplane/budget/bandwidth_word.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>

#include "controlplane/budget/bandwidth_hosts.h"

namespace lb::controlplane {
namespace {

using std::chrono::seconds;

constexpr Instant kNow{seconds(1'000)};

BandwidthUse UseOf(BandwidthId id) {
  return {.id = id, .upload = {1'000, false}, .download = {2'500'000, true}, .connections = 3};
}

TEST(BandwidthWordTest, WhatIsWrittenIsRead) {
  const BandwidthUse over{.id = 8, .upload = {}, .download = {}, .connections = 0, .workers = 4};
  const auto texts = EncodeBandwidths({UseOf(7), over});
  ASSERT_EQ(texts.size(), 1u);
  const auto read = DecodeBandwidths(texts[0]);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, (std::vector<BandwidthUse>{UseOf(7), over}));
  EXPECT_TRUE(EncodeBandwidths({}).empty());
}

TEST(BandwidthWordTest, TheLargestUsesFitIntoADatagram) {
  BandwidthUse large = UseOf(~0ull);
  large.upload = {1e12, true};
  large.connections = std::numeric_limits<uint32_t>::max();
  large.workers = 65'536;
  const auto texts = EncodeBandwidths(std::vector<BandwidthUse>(100, large));
  EXPECT_EQ(texts.size(), 4u);
  for (const std::string& text : texts) {
    EXPECT_LE(text.size(), kMaxBandwidthTextBytes);
    EXPECT_TRUE(DecodeBandwidths(text));
  }
}

TEST(BandwidthWordTest, WhatCannotBeIsRefused) {
  const std::string good = EncodeBandwidths({UseOf(7)})[0];
  EXPECT_FALSE(DecodeBandwidths(""));
  EXPECT_FALSE(DecodeBandwidths("\x31" + good.substr(1)));
  EXPECT_FALSE(DecodeBandwidths(good.substr(0, good.size() - 1)));
  EXPECT_FALSE(DecodeBandwidths(good + std::string(kMaxBandwidthTextBytes, '\0')));
  for (const double rate : {-1.0, 1e14, std::numeric_limits<double>::infinity(),
                            std::numeric_limits<double>::quiet_NaN()}) {
    BandwidthUse bad = UseOf(7);
    bad.download.bytes_per_s = rate;
    EXPECT_FALSE(DecodeBandwidths(EncodeBandwidths({bad})[0])) << rate;
  }
  for (const uint32_t workers : {0u, 65'537u}) {
    BandwidthUse bad = UseOf(7);
    bad.workers = workers;
    EXPECT_FALSE(DecodeBandwidths(EncodeBandwidths({bad})[0])) << workers;
  }
}

TEST(BandwidthWordTest, AUseIsThatOfOneLimitAndOneClient) {
  EXPECT_EQ(IdOfBandwidth("web", 7, ""), IdOfBandwidth("web", 7, ""));
  EXPECT_NE(IdOfBandwidth("web", 7, ""), IdOfBandwidth("", 7, ""));
  EXPECT_NE(IdOfBandwidth("web", 7, ""), IdOfBandwidth("web", 7ull << 32, ""));
  EXPECT_NE(IdOfBandwidth("web", 0, "a"), IdOfBandwidth("web", 0, "b"));
}

TEST(BandwidthHostsTest, AWordHoldsUntilItIsOverOrForgotten) {
  BandwidthHosts hosts;
  hosts.Take("b", {UseOf(7), UseOf(8)}, kNow);
  hosts.Take("c", {UseOf(7)}, kNow + seconds(1));
  EXPECT_EQ(hosts.Of(7, kNow + seconds(1)).size(), 2u);
  EXPECT_EQ(hosts.Of(7, kNow + BandwidthHosts::kForgetAfter).size(), 1u);
  BandwidthUse over = UseOf(8);
  over.connections = 0;
  hosts.Take("b", {over}, kNow);
  EXPECT_TRUE(hosts.Of(8, kNow).empty());
  hosts.Forget("b");
  EXPECT_EQ(hosts.Of(7, kNow).size(), 1u);
}

TEST(BandwidthHostsTest, WhatAHostSaysIsBounded) {
  BandwidthHosts hosts;
  for (BandwidthId id = 0; id < 10'000; ++id) hosts.Take("b", {UseOf(id)}, kNow);
  EXPECT_EQ(hosts.size(), BandwidthHosts::kMaxUsesOfHost);
  EXPECT_TRUE(hosts.Of(9'999, kNow).empty());
  hosts.Take("c", {UseOf(9'999)}, kNow);
  EXPECT_EQ(hosts.Of(9'999, kNow).size(), 1u) << "others have their own room";
  const Instant later = kNow + BandwidthHosts::kForgetAfter;
  hosts.Take("b", {UseOf(9'999)}, later);
  EXPECT_EQ(hosts.Of(9'999, later).size(), 1u) << "what is over makes room";
}

}  // namespace
}  // namespace lb::controlplane
