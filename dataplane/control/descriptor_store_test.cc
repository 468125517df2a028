#include "dataplane/control/descriptor_store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "base/test_service_manager.h"
#include "dataplane/forward/socket_options.h"

namespace lb::dataplane {
namespace {

class DescriptorStoreTest : public testing::Test {
 protected:
  static PassedSocket Listening(const std::string& home = "") {
    SocketResult made =
        BindListener(Endpoint::Parse("127.0.0.1:0", Endpoint::PortZero::kAllow)->ToSocketAddress());
    EXPECT_EQ(StartListening(made.fd.get()), 0);
    const Endpoint bound = BoundEndpoint(made.fd.get());
    return {{bound, ""}, std::make_shared<const UniqueFd>(std::move(made.fd)), home};
  }

  static std::string Name(const PassedSocket& socket) {
    return "FDNAME=listen-127.0.0.1_" + std::to_string(socket.key.first.port()) + "-";
  }

  TestServiceManager manager_{"@lb-descriptor-store-" + std::to_string(::getpid())};
  const SdNotify notify_ = manager_.Notify();
  DescriptorStore store_{&notify_};
};

TEST_F(DescriptorStoreTest, KeepsWhatIsListenedOnAndNothingElse) {
  const PassedSocket first = Listening();
  const PassedSocket second = Listening();
  store_.Keep({first, second, Listening("neighbour")});
  for (int i = 0; i < 2; ++i) {
    const TestServiceManager::Message stored = manager_.Receive();
    EXPECT_NE(stored.text.find("FDSTORE=1"), std::string::npos) << stored.text;
    ASSERT_EQ(stored.fds.size(), 1u);
    const Endpoint bound = BoundEndpoint(stored.fds[0].get());
    EXPECT_TRUE(bound == first.key.first || bound == second.key.first);
  }
  store_.Keep({first, second});
  EXPECT_TRUE(manager_.Empty());
  store_.Keep({second});
  const std::string removed = manager_.ReceiveAll();
  EXPECT_NE(removed.find("FDSTOREREMOVE=1"), std::string::npos) << removed;
  EXPECT_NE(removed.find(Name(first)), std::string::npos) << removed;
  EXPECT_EQ(removed.find(Name(second)), std::string::npos) << removed;
  store_.Drop();
  EXPECT_NE(manager_.ReceiveAll().find(Name(second)), std::string::npos);
}

TEST_F(DescriptorStoreTest, AnotherSocketAtTheSameAddressReplacesTheFirst) {
  const PassedSocket first = Listening();
  store_.Keep({first});
  manager_.Receive();
  SocketResult again = BindListener(first.key.first.ToSocketAddress());
  ASSERT_TRUE(again.fd.valid());
  store_.Keep({{first.key, std::make_shared<const UniqueFd>(std::move(again.fd)), ""}});
  const std::string said = manager_.ReceiveAll();
  const size_t removed = said.find("FDSTOREREMOVE=1");
  ASSERT_NE(removed, std::string::npos) << said;
  EXPECT_NE(said.find("FDSTORE=1", removed), std::string::npos) << said;
}

TEST_F(DescriptorStoreTest, WhatTheProcessBeforeStoredAndNobodyWantsIsTakenOut) {
  const PassedSocket wanted = Listening();
  const PassedSocket gone = Listening();
  const auto name = [](const PassedSocket& socket) { return Name(socket).substr(7); };
  DescriptorStore next(&notify_, {name(wanted), name(gone), name(gone), "lb-worker.socket"});
  EXPECT_TRUE(next.Keep({wanted}));
  const std::string said = manager_.ReceiveAll();
  const size_t removed = said.find(Name(gone));
  ASSERT_NE(removed, std::string::npos) << said;
  EXPECT_EQ(said.find(Name(gone), removed + 1), std::string::npos) << said;
  EXPECT_EQ(said.find("lb-worker.socket"), std::string::npos) << said;
  EXPECT_NE(said.find("FDSTORE=1\n" + Name(wanted)), std::string::npos) << said;
}

TEST_F(DescriptorStoreTest, EveryAddressHasAPlaceInTheStore) {
  std::vector<PassedSocket> sockets;
  const PassedSocket many = Listening();
  for (size_t i = 0; i < DescriptorStore::kMaxStored; ++i) {
    SocketResult made = BindListener(many.key.first.ToSocketAddress());
    sockets.push_back({many.key, std::make_shared<const UniqueFd>(std::move(made.fd)), ""});
  }
  const PassedSocket last = Listening();
  sockets.push_back(last);
  EXPECT_TRUE(store_.Keep(sockets));
  size_t stored = 0;
  std::string said;
  while (!manager_.Empty()) {
    const TestServiceManager::Message message = manager_.Receive();
    stored += message.fds.size();
    said += message.text + "\n";
  }
  EXPECT_LE(stored, DescriptorStore::kMaxStored);
  EXPECT_GT(stored, DescriptorStore::kMaxStored / 3);
  EXPECT_NE(said.find(Name(last)), std::string::npos);
}

TEST_F(DescriptorStoreTest, WhatTheManagerDidNotTakeIsSaidAgain) {
  const PassedSocket socket = Listening();
  while (notify_.Ready().ok()) {
  }
  EXPECT_FALSE(store_.Keep({socket}));
  manager_.ReceiveAll();
  EXPECT_TRUE(store_.Keep({socket}));
  EXPECT_NE(manager_.ReceiveAll().find("FDSTORE=1\n" + Name(socket)), std::string::npos);
}

TEST_F(DescriptorStoreTest, WithoutAManagerNobodyIsTold) {
  const SdNotify nobody;
  DescriptorStore quiet(&nobody);
  quiet.Keep({Listening()});
  DescriptorStore none(nullptr);
  none.Keep({Listening()});
  EXPECT_TRUE(manager_.Empty());
}

}  // namespace
}  // namespace lb::dataplane
