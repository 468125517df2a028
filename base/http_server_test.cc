#include "base/http_server.h"

#include <sys/resource.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "gtest/gtest.h"

namespace lb {
namespace {

using boost::asio::ip::tcp;

// A server on a thread of its own, and a client that blocks.
class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    const auto any = Endpoint::Parse("127.0.0.1:0", Endpoint::PortZero::kAllow).value();
    auto started = HttpServer::Start(
        io_, any, [](const std::string& path, const HttpServer::Respond& respond) {
          if (path == "/hello") return respond({200, "text/plain", "hello\n"});
          respond({404, "text/plain", "not found\n"});
        });
    server_ = std::move(started).value();
    address_ = server_->address();
    thread_ = std::thread([this] { io_.run(); });
  }
  ~HttpServerTest() override {
    boost::asio::post(io_, [this] { server_.reset(); });
    thread_.join();
  }

  tcp::socket Connect() {
    tcp::socket socket(client_io_);
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), address_.port()});
    return socket;
  }
  // What the server sends until it closes.
  std::string ReadAll(tcp::socket& socket) {
    std::string answer;
    boost::system::error_code error;
    boost::asio::read(socket, boost::asio::dynamic_buffer(answer), error);
    return answer;
  }
  std::string Ask(const std::string& request) {
    tcp::socket socket = Connect();
    boost::asio::write(socket, boost::asio::buffer(request));
    socket.shutdown(tcp::socket::shutdown_send);
    return ReadAll(socket);
  }

  boost::asio::io_context io_;
  boost::asio::io_context client_io_;
  std::unique_ptr<HttpServer> server_;
  Endpoint address_;
  std::thread thread_;
};

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(HttpServerTest, AnswersGetWithBodyAndHeadWithoutOne) {
  const std::string get = Ask("GET /hello?x=1 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(get.starts_with("HTTP/1.1 200 OK\r\n")) << get;
  EXPECT_TRUE(get.ends_with("\r\n\r\nhello\n")) << get;
  const std::string head = Ask("HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(Has(head, "Content-Length: 6\r\n")) << head;
  EXPECT_TRUE(head.ends_with("\r\n\r\n")) << head;
}

TEST_F(HttpServerTest, KeepsAConnectionForMoreThanOneRequest) {
  const std::string one = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string last = "GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  const std::string answers = Ask(one + one + last);
  const size_t first = answers.find("200 OK");
  EXPECT_NE(answers.find("200 OK", first + 1), std::string::npos) << answers;
  EXPECT_TRUE(Has(answers, "404 Not Found")) << answers;
}

TEST_F(HttpServerTest, OtherMethodsAndBadRequestsAreRefused) {
  EXPECT_TRUE(Has(Ask("DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n"), " 405 "));
  EXPECT_TRUE(Has(Ask("nonsense\r\n\r\n"), " 400 "));
  EXPECT_TRUE(Has(Ask("POST /hello HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde"), " 413 "));
  EXPECT_TRUE(Has(Ask("GET hello HTTP/1.1\r\nHost: x\r\n\r\n"), " 400 "));
}

TEST_F(HttpServerTest, AHeaderAboveTheBoundIsRefused) {
  const std::string large(HttpServer::kMaxHeaderBytes, 'a');
  EXPECT_TRUE(Has(Ask("GET /hello HTTP/1.1\r\nX: " + large + "\r\n\r\n"), " 431 "));
}

TEST_F(HttpServerTest, ConnectionsAboveTheBoundWaitForRoom) {
  std::vector<tcp::socket> idle;
  for (int i = 0; i < HttpServer::kMaxConnections; ++i) idle.push_back(Connect());
  tcp::socket next = Connect();
  boost::asio::write(next,
                     boost::asio::buffer(std::string("GET /hello HTTP/1.0\r\nHost: x\r\n\r\n")));
  idle.clear();
  EXPECT_TRUE(Has(ReadAll(next), "200 OK"));
}

TEST_F(HttpServerTest, AnswersAgainOnceDescriptorsAreFree) {
  tcp::socket client(client_io_);
  client.open(tcp::v4());
  // Below the lowest free descriptor: accept fails with EMFILE, whoever calls it.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 3;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  client.connect({boost::asio::ip::make_address("127.0.0.1"), address_.port()});
  boost::asio::write(client,
                     boost::asio::buffer(std::string("GET /hello HTTP/1.0\r\nHost: x\r\n\r\n")));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(Has(ReadAll(client), "200 OK"));
}

TEST(HttpServerStartTest, ServesOnlyLoopbackAndUnix) {
  boost::asio::io_context io;
  const auto started = HttpServer::Start(io, Endpoint::Parse("0.0.0.0:9903").value(), nullptr);
  EXPECT_EQ(started.status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace lb
