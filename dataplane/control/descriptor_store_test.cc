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
