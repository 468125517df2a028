#include "base/http_probe.h"

#include <algorithm>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdio>
#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace lb {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

using Protocol = asio::generic::stream_protocol;
using boost::system::error_code;

// One request over one connection: connect, write, read, each begun by the end of the one before.
class Exchange final {
 public:
  Exchange(asio::io_context& io, const Endpoint& address, const std::string& path)
      : address_(address), socket_(io), buffer_(HttpServer::kMaxHeaderBytes + kReadBytes) {
    request_.version(11);
    request_.method(http::verb::get);
    request_.target(path);
    request_.set(http::field::host, "localhost");
    request_.keep_alive(false);
    parser_.header_limit(HttpServer::kMaxHeaderBytes);
    parser_.body_limit(HttpProbe::kMaxBodyBytes);
  }

  void Start() {
    const SocketAddress to = address_.ToSocketAddress();
    socket_.async_connect(Protocol::endpoint(to.get(), to.length),
                          [this](const error_code& error) { Connected(error); });
  }

  // What came out of it; nullopt while it is not over.
  std::optional<absl::StatusOr<HttpReply>> result;

 private:
  static constexpr size_t kReadBytes = 64 * 1024;

  void Connected(const error_code& error) {
    if (error) return Fail("connect", error);
    http::async_write(socket_, request_,
                      [this](const error_code& failed, size_t) { Written(failed); });
  }

  void Written(const error_code& error) {
    if (error) return Fail("write", error);
    http::async_read(socket_, buffer_, parser_,
                     [this](const error_code& failed, size_t) { ReadReply(failed); });
  }

  void ReadReply(const error_code& error) {
    if (error) return Fail("read", error);
    const auto& reply = parser_.get();
    const std::string_view type = reply[http::field::content_type];
    result = HttpReply{static_cast<int>(reply.result_int()), std::string(type), reply.body()};
  }

  void Fail(const char* step, const error_code& error) {
    result = absl::UnavailableError(
        absl::StrCat(address_.ToString(), ": ", step, ": ", error.message()));
  }

  const Endpoint address_;
  Protocol::socket socket_;
  http::request<http::empty_body> request_;
  boost::beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
};

}  // namespace

absl::Status HttpProbe::CheckPath(const std::string& path) {
  const bool plain =
      std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 127; });
  if (!path.empty() && path.front() == '/' && path.size() <= kMaxPathBytes && plain) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", path.substr(0, kMaxPathBytes), "': use a path like /readyz"));
}

absl::StatusOr<HttpReply> HttpProbe::Get(const Endpoint& address, const std::string& path,
                                         std::chrono::milliseconds deadline) {
  if (!address.IsResolved()) {
    return absl::InvalidArgumentError(
        absl::StrCat(address.ToString(), ": use unix:PATH or an IP address with its port"));
  }
  asio::io_context io(1);
  Exchange exchange(io, address, path);
  exchange.Start();
  io.run_for(deadline);
  if (exchange.result) return *std::move(exchange.result);
  return absl::DeadlineExceededError(
      absl::StrCat(address.ToString(), ": no answer within ", deadline.count(), " ms"));
}

int HttpProbe::Run(const char* program, const Endpoint& address, const std::string& path) {
  constexpr int kGood = 200;
  const absl::StatusOr<HttpReply> reply = Get(address, path);
  if (!reply.ok()) {
    std::fprintf(stderr, "%s: %s\n", program, std::string(reply.status().message()).c_str());
    return 1;
  }
  std::fwrite(reply->body.data(), 1, reply->body.size(), stdout);
  return reply->status == kGood && std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace lb
