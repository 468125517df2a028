// The probe against the real server, and against peers that say nothing or too much.
#include "base/http_probe.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "base/http_server.h"
#include "gtest/gtest.h"

namespace lb {
namespace {

// A server on a unix socket and a thread of its own.
class HttpProbeTest : public testing::Test {
 protected:
  HttpProbeTest() {
    // The path of a unix socket is short: TEST_TMPDIR may be too deep for it.
    std::string folder = "/tmp/lb-probe-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
    address_ = Endpoint::Parse("unix:" + folder_ + "/http").value();
    server_ = HttpServer::Start(io_, address_, [](const std::string& path, const auto& respond) {
                if (path == "/large") return respond({200, "text/plain", Large()});
                if (path == "/huge") return respond({200, "text/plain", Huge()});
                if (path == "/silent") return;
                const bool ready = path == "/readyz";
                respond({ready ? 200 : 503, "text/plain", ready ? "ok\n" : "draining\n"});
              }).value();
    thread_ = std::thread([this] { io_.run(); });
  }
  ~HttpProbeTest() override {
    boost::asio::post(io_, [this] {
      server_.reset();
      io_.stop();
    });
    thread_.join();
    std::filesystem::remove_all(folder_);
  }

  static std::string Large() { return std::string(size_t{1} << 20, 'm'); }
  static std::string Huge() { return std::string(HttpProbe::kMaxBodyBytes + 1, 'm'); }

  std::string folder_;
  Endpoint address_;
  boost::asio::io_context io_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST_F(HttpProbeTest, TakesThePageWithItsStatus) {
  const auto ready = HttpProbe::Get(address_, "/readyz");
  ASSERT_TRUE(ready.ok()) << ready.status();
  EXPECT_EQ(ready->status, 200);
  EXPECT_EQ(ready->body, "ok\n");
  const auto draining = HttpProbe::Get(address_, "/other");
  ASSERT_TRUE(draining.ok()) << draining.status();
  EXPECT_EQ(draining->status, 503);
  EXPECT_EQ(draining->body, "draining\n");
}

TEST_F(HttpProbeTest, ALargePageComesWholeAndAHugeOneIsRefused) {
  const auto large = HttpProbe::Get(address_, "/large", std::chrono::seconds(60));
  ASSERT_TRUE(large.ok()) << large.status();
  EXPECT_EQ(large->body, Large());
  EXPECT_FALSE(HttpProbe::Get(address_, "/huge", std::chrono::seconds(60)).ok());
}

TEST_F(HttpProbeTest, NoAnswerEndsWithTheDeadline) {
  const auto silent = HttpProbe::Get(address_, "/silent", std::chrono::milliseconds(50));
  EXPECT_EQ(silent.status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(HttpProbeTest, ExitCodeIsZeroFor200Only) {
  EXPECT_EQ(HttpProbe::Run("lb-test", address_, "/readyz"), 0);
  EXPECT_EQ(HttpProbe::Run("lb-test", address_, "/other"), 1);
  EXPECT_EQ(HttpProbe::Run("lb-test", Endpoint::Parse("unix:" + folder_ + "/none").value(), "/"),
            1);
}

TEST_F(HttpProbeTest, AnAddressThatIsANameIsRefused) {
  const auto named = HttpProbe::Get(Endpoint::Parse("worker.example:80").value(), "/");
  EXPECT_EQ(named.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(HttpProbePathTest, APathIsOneWordThatBeginsWithASlash) {
  EXPECT_TRUE(HttpProbe::CheckPath("/readyz").ok());
  EXPECT_TRUE(HttpProbe::CheckPath("/readyz?verbose").ok());
  for (const std::string& bad :
       {std::string(), std::string("readyz"), std::string("/a b"), std::string("/a\r\nX: y"),
        std::string("/\x80"), "/" + std::string(HttpProbe::kMaxPathBytes, 'a')}) {
    EXPECT_FALSE(HttpProbe::CheckPath(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace lb
