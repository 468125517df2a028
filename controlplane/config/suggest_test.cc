#include "controlplane/config/suggest.h"

#include <string>

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

TEST(SuggestTest, ASwapOfNeighboursIsOneEdit) {
  EXPECT_EQ(EditDistance("listen", "listen"), 0u);
  EXPECT_EQ(EditDistance("lisetn", "listen"), 1u);
  EXPECT_EQ(EditDistance("lisen", "listen"), 1u);
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
}

TEST(SuggestTest, TheNearestIsGivenOnlyWhenItIsNear) {
  EXPECT_EQ(Nearest("backend", {"rules", "backends", "balance"}), "backends");
  EXPECT_EQ(Nearest("max_connectoins", {"max_connections"}), "max_connections");
  EXPECT_EQ(Nearest("timeout", {"interval", "path"}), "");
  EXPECT_EQ(Nearest("xy", {"on"}), "");
  EXPECT_EQ(Nearest(std::string(1'000'000, 'x'), {"rules"}), "");
}

TEST(SuggestTest, WhatOtherBalancersCallItIsFoundByItsBeginningOrEnd) {
  const std::vector<std::string_view> balance = {"weighted_round_robin", "least_connections",
                                                 "random_two_choices"};
  EXPECT_EQ(NearestOrAkin("round_robin", balance), "weighted_round_robin");
  EXPECT_EQ(NearestOrAkin("RoundRobin", balance), "weighted_round_robin");
  EXPECT_EQ(NearestOrAkin("leastconn", balance), "least_connections");
  EXPECT_EQ(NearestOrAkin("consecutive_failures", {"enabled", "failures"}), "failures");
  EXPECT_EQ(NearestOrAkin("upload", {"upload_per_sec", "download_per_sec"}), "upload_per_sec");
  EXPECT_EQ(NearestOrAkin("download", {"upload_per_sec", "download_per_sec"}), "download_per_sec");
  EXPECT_EQ(NearestOrAkin("r", balance), "");
  EXPECT_EQ(NearestOrAkin("sticky", balance), "");
}

}  // namespace
}  // namespace lb::controlplane
