#include "controlplane/shell/helper_thread.h"

#include <future>
#include <string>

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

TEST(HelperThreadTest, WhatMayWaitWaitsForTheRest) {
  std::promise<void> go;
  std::promise<void> done;
  std::string order;
  HelperThread helper;
  helper.Post([&] { go.get_future().wait(); });
  for (int i = 0; i < 64; ++i) helper.PostLater([&] { order += 'l'; });
  helper.Post([&] { order += 'a'; });
  helper.Post([&] { order += 'b'; });
  helper.PostLater([&] { done.set_value(); });
  go.set_value();
  done.get_future().wait();
  EXPECT_EQ(order, "ab" + std::string(64, 'l'));
}

TEST(HelperThreadTest, AStopDoesWhatMustBeDone) {
  std::promise<void> go;
  std::string order;
  HelperThread helper;
  helper.Post([&] { go.get_future().wait(); });
  helper.PostLater([&] { order += 'l'; });
  helper.Post([&] { order += 'a'; });
  std::thread stopper([&] { helper.Stop(); });
  go.set_value();
  stopper.join();
  EXPECT_EQ(order.front(), 'a');
}

}  // namespace
}  // namespace lb::controlplane
