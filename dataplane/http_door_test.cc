// Who serves the pages while processes replace each other, on loopback.
#include "dataplane/http_door.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "base/listen.h"

namespace lb::dataplane {
namespace {

// A TCP address that another process has.
class HttpDoorTest : public testing::Test {
 protected:
  HttpDoorTest() {
    const Endpoint any = Endpoint::Parse("127.0.0.1:0", Endpoint::PortZero::kAllow).value();
    other_ = Listen(any, 0).value();
    door_.emplace(io_, other_->address, [](const auto&, const auto& respond) {
      respond({200, "text/plain", "ok"});
    });
  }

  void RunFor(int retries) { io_.run_for(retries * HttpDoor::kRetryInterval); }

  boost::asio::io_context io_;
  std::optional<Listening> other_;
  std::optional<HttpDoor> door_;
};

TEST_F(HttpDoorTest, TakesTheAddressOnceItIsFree) {
  EXPECT_TRUE(door_->Open(true).ok());
  door_->Take();
  const Endpoint address = other_->address;
  other_.reset();
  RunFor(2);
  EXPECT_FALSE(Listen(address, 0).ok());
}

TEST_F(HttpDoorTest, OneThatIsReplacedWhileItWaitsTakesNothing) {
  EXPECT_TRUE(door_->Open(true).ok());
  door_->Take();
  door_->Leave();
  const Endpoint address = other_->address;
  other_.reset();
  RunFor(2);
  EXPECT_TRUE(Listen(address, 0).ok());
}

TEST_F(HttpDoorTest, AFileThatIsNoSocketStays) {
  const std::string path = "/tmp/lb-http-door-" + std::to_string(::getpid());
  std::ofstream(path) << "somebody's";
  HttpDoor door(io_, Endpoint::Parse("unix:" + path).value(), [](const auto&, const auto&) {});
  EXPECT_TRUE(door.Open(true).ok());
  door.Take();
  EXPECT_TRUE(std::filesystem::is_regular_file(path));
  std::filesystem::remove(path);
}

TEST_F(HttpDoorTest, WithoutAProcessBeforeAnAddressInUseIsAnError) {
  EXPECT_TRUE(absl::IsAlreadyExists(door_->Open(false)));
}

}  // namespace
}  // namespace lb::dataplane
