#include "cli/bundle/http_get.h"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "absl/strings/str_cat.h"

namespace lb::cli {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

using Stream = boost::beast::basic_stream<asio::generic::stream_protocol>;

// One request, step by step; every step ends in `error` when it fails.
class Getter final {
 public:
  Getter(asio::io_context& io, const std::string& path, std::chrono::milliseconds timeout)
      : stream_(io), request_(http::verb::get, path, 11) {
    request_.set(http::field::host, "localhost");
    request_.set(http::field::connection, "close");
    parser_.body_limit(kMaxPageBytes);
    stream_.expires_after(timeout);
  }

  void Start(const Endpoint& address) {
    const SocketAddress to = address.ToSocketAddress();
    const asio::generic::stream_protocol::endpoint end(to.get(), to.length);
    stream_.async_connect(end, [this](boost::system::error_code failed) { OnConnected(failed); });
  }

  const boost::system::error_code& error() const { return error_; }
  http::response<http::string_body> Take() { return parser_.release(); }

 private:
  void OnConnected(boost::system::error_code failed) {
    error_ = failed;
    if (failed) return;
    http::async_write(stream_, request_, [this](boost::system::error_code unsent, size_t) {
      error_ = unsent;
      if (unsent) return;
      http::async_read(stream_, buffer_, parser_,
                       [this](boost::system::error_code unread, size_t) { error_ = unread; });
    });
  }

  Stream stream_;
  http::request<http::empty_body> request_;
  boost::beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
  boost::system::error_code error_;
};

}  // namespace

absl::StatusOr<std::string> HttpGet(const Endpoint& address, const std::string& path,
                                    std::chrono::milliseconds timeout) {
  asio::io_context io;
  Getter getter(io, path, timeout);
  getter.Start(address);
  io.run();
  const std::string where = absl::StrCat(address.ToString(), path, ": ");
  if (getter.error() == boost::beast::error::timeout)
    return absl::DeadlineExceededError(
        absl::StrCat(where, "no answer within ", timeout.count(), " ms"));
  if (getter.error()) return absl::UnavailableError(where + getter.error().message());
  auto response = getter.Take();
  if (response.result() != http::status::ok)
    return absl::InternalError(absl::StrCat(where, "HTTP ", response.result_int()));
  return std::move(response.body());
}

}  // namespace lb::cli
