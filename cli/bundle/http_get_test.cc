// Goal: a page is had whole or an error says why, within the time given. Method: servers that
// answer once, with fixed bytes, on a unix socket.

#include "cli/bundle/http_get.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <thread>

#include "base/listen.h"

namespace lb::cli {
namespace {

constexpr std::chrono::seconds kLong{30};

class HttpGetTest : public testing::Test {
 protected:
  HttpGetTest() {
    // A unix socket's path must be short.
    folder_ = "/tmp/http-get-XXXXXX";
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    address_ = *Endpoint::Parse("unix:" + folder_ + "/s");
  }
  ~HttpGetTest() override { std::filesystem::remove_all(folder_); }

  // What comes of asking a server that sends `reply` and closes.
  absl::StatusOr<std::string> Ask(const std::string& reply) const {
    absl::StatusOr<Listening> listening = Listen(address_, 0600);
    EXPECT_TRUE(listening.ok()) << listening.status();
    // It blocks in accept, so that the thread need not poll.
    EXPECT_EQ(::fcntl(listening->fd.get(), F_SETFL, 0), 0);
    std::thread server([&] {
      const UniqueFd client(::accept(listening->fd.get(), nullptr, nullptr));
      std::array<char, 4096> request;
      EXPECT_GT(::read(client.get(), request.data(), request.size()), 0);
      EXPECT_EQ(::write(client.get(), reply.data(), reply.size()),
                static_cast<ssize_t>(reply.size()));
    });
    auto answer = HttpGet(address_, "/metrics", kLong);
    server.join();
    return answer;
  }

  std::string folder_;
  Endpoint address_;
};

TEST_F(HttpGetTest, ThePageIsHadWhole) {
  const auto page = Ask("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(*page, "hello");
}

TEST_F(HttpGetTest, WhatIsNoPageIsAnError) {
  EXPECT_TRUE(
      absl::IsInternal(Ask("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").status()));
  EXPECT_TRUE(absl::IsUnavailable(Ask("SSH-2.0-OpenSSH\r\n\r\n").status()));
  // Cut off in the middle.
  EXPECT_TRUE(absl::IsUnavailable(Ask("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe").status()));
}

TEST_F(HttpGetTest, APageOverTheLimitIsNotTaken) {
  const std::string length = std::to_string(kMaxPageBytes + 1);
  EXPECT_TRUE(absl::IsUnavailable(
      Ask("HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\n\r\nx").status()));
}

TEST_F(HttpGetTest, NobodyAndSilenceAreToldApart) {
  EXPECT_TRUE(absl::IsUnavailable(HttpGet(address_, "/", kLong).status()));
  const auto silent = Listen(address_, 0600);
  ASSERT_TRUE(silent.ok());
  const auto answer = HttpGet(address_, "/", std::chrono::milliseconds(50));
  EXPECT_TRUE(absl::IsDeadlineExceeded(answer.status())) << answer.status();
}

}  // namespace
}  // namespace lb::cli
