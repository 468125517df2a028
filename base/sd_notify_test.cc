#include "base/sd_notify.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/test_service_manager.h"
#include "gtest/gtest.h"

namespace lb {
namespace {

using Variables = TestServiceManager::Variables;
using Message = TestServiceManager::Message;
constexpr pid_t kPid = TestServiceManager::kPid;

class SdNotifyTest : public testing::Test {
 protected:
  SdNotifyTest() {
    std::string folder = "/tmp/lb-notify-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
  }
  ~SdNotifyTest() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
};

TEST_F(SdNotifyTest, SaysEachWordAsSdNotifyWantsIt) {
  const TestServiceManager manager(folder_ + "/notify");
  const SdNotify notify = manager.Notify();
  EXPECT_TRUE(notify.present());
  EXPECT_TRUE(notify.Ready().ok());
  EXPECT_EQ(manager.Receive().text, "READY=1");
  EXPECT_TRUE(notify.Status("rev 42,\n3121\tconnections").ok());
  EXPECT_EQ(manager.Receive().text, "STATUS=rev 42, 3121 connections");
  EXPECT_TRUE(notify.Status(std::string(5'000, 'x')).ok());
  EXPECT_EQ(manager.Receive().text.size(), SdNotify::kMaxStatusBytes + 7);
  EXPECT_TRUE(notify.Reloading(Instant(std::chrono::microseconds(1'234'567))).ok());
  EXPECT_EQ(manager.Receive().text, "RELOADING=1\nMONOTONIC_USEC=1234567");
  EXPECT_TRUE(notify.Stopping().ok());
  EXPECT_EQ(manager.Receive().text, "STOPPING=1");
  EXPECT_TRUE(notify.ExtendTimeout(std::chrono::seconds(2)).ok());
  EXPECT_EQ(manager.Receive().text, "EXTEND_TIMEOUT_USEC=2000000");
  EXPECT_TRUE(notify.Watchdog().ok());
  EXPECT_EQ(manager.Receive().text, "WATCHDOG=1");
  EXPECT_TRUE(notify.RemoveDescriptors("web 1").ok());
  EXPECT_EQ(manager.Receive().text, "FDSTOREREMOVE=1\nFDNAME=web 1");
  EXPECT_TRUE(manager.Empty());
}

TEST_F(SdNotifyTest, ReachesAManagerInTheAbstractNamespace) {
  const TestServiceManager manager("@lb-notify-test-" + std::to_string(::getpid()));
  EXPECT_TRUE(manager.Notify().Ready().ok());
  EXPECT_EQ(manager.Receive().text, "READY=1");
}

TEST_F(SdNotifyTest, WithoutAManagerEveryWordIsFine) {
  Variables none;
  const auto notify = SdNotify::FromEnvironment(TestServiceManager::Take(none), kPid);
  ASSERT_TRUE(notify.ok());
  EXPECT_FALSE(notify->present());
  EXPECT_TRUE(notify->Ready().ok());
  EXPECT_TRUE(notify->StoreDescriptors("web", {0}).ok());
  EXPECT_FALSE(notify->watchdog_timeout());
}

TEST_F(SdNotifyTest, AManagerThatIsGoneOrFullIsUnavailableAndNobodyWaits) {
  SdNotify notify;
  {
    const TestServiceManager manager(folder_ + "/notify");
    notify = manager.Notify();
    absl::Status status;
    for (int sent = 0; sent < 100'000 && status.ok(); ++sent) status = notify.Watchdog();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(manager.Receive().text, "WATCHDOG=1");
    EXPECT_TRUE(notify.Ready().ok());
  }
  EXPECT_EQ(notify.Ready().code(), absl::StatusCode::kUnavailable);
}

TEST_F(SdNotifyTest, StoresDescriptorsInAsManyMessagesAsItTakes) {
  const TestServiceManager manager(folder_ + "/notify");
  const SdNotify notify = manager.Notify();
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const std::vector<int> fds(SdNotify::kMaxDescriptorsPerMessage + 2, socket.get());
  ASSERT_TRUE(notify.StoreDescriptors("web", fds).ok());
  for (const size_t count : {SdNotify::kMaxDescriptorsPerMessage, size_t{2}}) {
    const Message message = manager.Receive();
    EXPECT_EQ(message.text, "FDSTORE=1\nFDNAME=web");
    ASSERT_EQ(message.fds.size(), count);
    int type = 0;
    socklen_t length = sizeof type;
    EXPECT_EQ(::getsockopt(message.fds[0].get(), SOL_SOCKET, SO_TYPE, &type, &length), 0);
    EXPECT_EQ(type, SOCK_STREAM);
  }
  EXPECT_TRUE(manager.Empty());
}

TEST_F(SdNotifyTest, RefusesNamesThatTheManagerWouldDrop) {
  const TestServiceManager manager(folder_ + "/notify");
  const SdNotify notify = manager.Notify();
  for (const std::string& name :
       {std::string(), std::string("a:b"), std::string("a\nREADY=1"), std::string(256, 'x')}) {
    EXPECT_EQ(notify.StoreDescriptors(name, {0}).code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(notify.RemoveDescriptors(name).code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_TRUE(manager.Empty());
}

TEST_F(SdNotifyTest, TheWatchdogIsForTheProcessItNames) {
  const TestServiceManager manager(folder_ + "/notify");
  const auto timeout = [&](Variables variables) {
    return manager.Notify(std::move(variables)).watchdog_timeout();
  };
  EXPECT_EQ(timeout({{"WATCHDOG_USEC", "10000000"}}), std::chrono::seconds(10));
  EXPECT_EQ(timeout({{"WATCHDOG_USEC", "10000000"}, {"WATCHDOG_PID", "4711"}}),
            std::chrono::seconds(10));
  EXPECT_EQ(timeout({{"WATCHDOG_USEC", "10000000"}, {"WATCHDOG_PID", "4712"}}), std::nullopt);
  EXPECT_EQ(timeout({{"WATCHDOG_PID", "4711"}}), std::nullopt);
}

TEST_F(SdNotifyTest, VariablesThatMakeNoSenseAreErrorsThatNameThem) {
  const auto message = [](Variables variables) {
    const auto notify = SdNotify::FromEnvironment(TestServiceManager::Take(variables), kPid);
    EXPECT_EQ(notify.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(notify.status().message());
  };
  EXPECT_EQ(message({{"NOTIFY_SOCKET", "notify"}}),
            "NOTIFY_SOCKET='notify': want an absolute path, or '@' and a name");
  EXPECT_EQ(message({{"NOTIFY_SOCKET", "/" + std::string(107, 'x')}}).substr(0, 15),
            "NOTIFY_SOCKET='");
  EXPECT_EQ(message({{"NOTIFY_SOCKET", "/n"}, {"WATCHDOG_USEC", "10s"}}),
            "WATCHDOG_USEC='10s': want a number from 0 to 86400000000");
  EXPECT_EQ(message({{"NOTIFY_SOCKET", "/n"}, {"WATCHDOG_USEC", "0"}}),
            "WATCHDOG_USEC='0': want more than 0");
  EXPECT_EQ(message({{"NOTIFY_SOCKET", "/n"}, {"WATCHDOG_USEC", "5"}, {"WATCHDOG_PID", "-1"}}),
            "WATCHDOG_PID='-1': want a number from 0 to 2147483647");
}

// Descriptors that follow one another, as exec(2) leaves them: high up, where nothing else is.
class ListenDescriptorsTest : public testing::Test {
 protected:
  static constexpr int kFirst = 500;

  void SetUp() override {
    for (int fd = kFirst; fd < kFirst + 2; ++fd) {
      const UniqueFd socket(::socket(AF_INET, SOCK_STREAM, 0));
      ASSERT_EQ(::dup2(socket.get(), fd), fd);
    }
  }
  void TearDown() override {
    for (int fd = kFirst; fd < kFirst + 2; ++fd) ::close(fd);
  }

  static absl::StatusOr<std::vector<ListenDescriptor>> Take(Variables variables) {
    auto taken = TakeListenDescriptors(TestServiceManager::Take(variables), kPid, kFirst);
    EXPECT_TRUE(variables.empty()) << variables.begin()->first;
    return taken;
  }
};

TEST_F(ListenDescriptorsTest, ComeWithTheirNamesNonBlockingAndCloseOnExec) {
  auto taken = Take({{"LISTEN_PID", "4711"}, {"LISTEN_FDS", "2"}, {"LISTEN_FDNAMES", "web:api"}});
  ASSERT_TRUE(taken.ok()) << taken.status();
  ASSERT_EQ(taken->size(), 2u);
  EXPECT_EQ((*taken)[0].name, "web");
  EXPECT_EQ((*taken)[1].name, "api");
  EXPECT_EQ((*taken)[0].fd.get(), kFirst);
  EXPECT_NE(::fcntl(kFirst + 1, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(::fcntl(kFirst + 1, F_GETFD), FD_CLOEXEC);
  taken->clear();
  EXPECT_EQ(::fcntl(kFirst, F_GETFD), -1);
}

TEST_F(ListenDescriptorsTest, WithoutNamesAreUnknown) {
  const auto taken = Take({{"LISTEN_PID", "4711"}, {"LISTEN_FDS", "1"}});
  ASSERT_TRUE(taken.ok()) << taken.status();
  ASSERT_EQ(taken->size(), 1u);
  EXPECT_EQ((*taken)[0].name, "unknown");
}

TEST_F(ListenDescriptorsTest, OfAnotherProcessAreLeftAlone) {
  EXPECT_TRUE(Take({}).value().empty());
  EXPECT_TRUE(Take({{"LISTEN_FDS", "2"}}).value().empty());
  EXPECT_TRUE(Take({{"LISTEN_PID", "4711"}, {"LISTEN_FDS", "0"}}).value().empty());
  EXPECT_TRUE(Take({{"LISTEN_PID", "4712"}, {"LISTEN_FDS", "2"}, {"LISTEN_FDNAMES", "a:b"}})
                  .value()
                  .empty());
  EXPECT_EQ(::fcntl(kFirst, F_GETFD), 0);
}

TEST_F(ListenDescriptorsTest, AreRefusedWhereTheyMakeNoSense) {
  const auto message = [](Variables variables) {
    const auto taken = Take(std::move(variables));
    EXPECT_EQ(taken.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(taken.status().message());
  };
  EXPECT_EQ(message({{"LISTEN_PID", "me"}, {"LISTEN_FDS", "2"}}),
            "LISTEN_PID='me': want a number from 0 to 2147483647");
  EXPECT_EQ(message({{"LISTEN_PID", "4711"}, {"LISTEN_FDS", "1025"}}),
            "LISTEN_FDS='1025': want a number from 0 to 1024");
  EXPECT_EQ(message({{"LISTEN_PID", "4711"}, {"LISTEN_FDS", "2"}, {"LISTEN_FDNAMES", "web"}}),
            "LISTEN_FDNAMES='web': want 2 names, as LISTEN_FDS says");
  EXPECT_EQ(message({{"LISTEN_PID", "4711"}, {"LISTEN_FDS", "3"}}),
            "LISTEN_FDS: descriptor 502: Bad file descriptor");
}

TEST(TakeFromEnvironmentTest, ReadsAVariableOnce) {
  ::setenv("LB_TEST_VARIABLE", "value", 1);
  EXPECT_EQ(TakeFromEnvironment("LB_TEST_VARIABLE"), "value");
  EXPECT_EQ(TakeFromEnvironment("LB_TEST_VARIABLE"), std::nullopt);
}

}  // namespace
}  // namespace lb
