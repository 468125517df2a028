// One HTTP/1.1 connection of HttpServer: request by request until the client goes, is too slow, or
// says something wrong. Private to http_server.cc. Threading: the io_context's thread.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "base/http_server.h"

namespace lb {

class HttpConnection final : public std::enable_shared_from_this<HttpConnection> {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;
  using Ended = std::function<void(const HttpConnection*)>;

  // `ended` is called once, when the socket is closed.
  HttpConnection(Socket socket, HttpServer::Handler handler, Ended ended);

  // Reads the first request.
  void Start() { ReadRequest(); }
  // Closes at once. No handler or `ended` is called any more.
  void Abandon();

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::empty_body>;
  using Response = boost::beast::http::response<boost::beast::http::string_body>;

  void ReadRequest();
  void HandleRequest(boost::beast::error_code error);
  void Write(HttpReply reply, bool keep_alive, bool head);
  void Written(boost::beast::error_code error, bool keep_alive);
  void Linger();
  void Close();
  void StartDeadline();

  Socket socket_;
  HttpServer::Handler handler_;
  Ended ended_;
  boost::asio::steady_timer deadline_;
  boost::beast::flat_buffer buffer_;
  size_t lingered_bytes_ = 0;
  std::optional<Parser> parser_;
  std::optional<Response> response_;
  std::optional<boost::beast::http::response_serializer<boost::beast::http::string_body>>
      serializer_;
};

}  // namespace lb
