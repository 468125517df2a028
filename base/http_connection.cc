#include "base/http_connection.h"

#include <array>
#include <string_view>
#include <utility>

namespace lb {

namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

// Bytes of a bad request that are read and thrown away, so that closing does not reset the
// connection before the client has read why.
constexpr size_t kMaxLingerBytes = 64 * 1024;

HttpReply Refusal(const beast::error_code& error) {
  if (error == http::error::header_limit) return {431, "text/plain", "header too large\n"};
  if (error == http::error::unexpected_body || error == http::error::body_limit) {
    return {413, "text/plain", "a request here has no body\n"};
  }
  return {400, "text/plain", "bad request: " + error.message() + "\n"};
}

bool IsHttpError(const beast::error_code& error) {
  return error.category() == make_error_code(http::error::bad_target).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

}  // namespace

HttpConnection::HttpConnection(Socket socket, HttpServer::Handler handler, Ended ended)
    : socket_(std::move(socket)),
      handler_(std::move(handler)),
      ended_(std::move(ended)),
      deadline_(socket_.get_executor()),
      buffer_(HttpServer::kMaxHeaderBytes + 1024) {}

void HttpConnection::Abandon() {
  ended_ = nullptr;
  handler_ = nullptr;
  Close();
}

void HttpConnection::StartDeadline() {
  deadline_.expires_after(HttpServer::kRequestTimeout);
  deadline_.async_wait([self = shared_from_this()](const beast::error_code& error) {
    if (!error) self->Close();
  });
}

void HttpConnection::ReadRequest() {
  StartDeadline();
  parser_.emplace();
  parser_->header_limit(HttpServer::kMaxHeaderBytes);
  http::async_read(socket_, buffer_, *parser_,
                   [self = shared_from_this()](const beast::error_code& error, size_t) {
                     self->HandleRequest(error);
                   });
}

void HttpConnection::HandleRequest(beast::error_code error) {
  if (error && !IsHttpError(error)) return Close();
  if (error) return Write(Refusal(error), false, false);
  const auto& request = parser_->get();
  const bool keep_alive = request.keep_alive();
  const bool head = request.method() == http::verb::head;
  if (!head && request.method() != http::verb::get) {
    return Write({405, "text/plain", "only GET and HEAD\n"}, keep_alive, false);
  }
  const auto target = request.target();
  const std::string path(target.substr(0, target.find('?')));
  if (path.empty() || path.front() != '/') {
    return Write({400, "text/plain", "the target must be a path\n"}, false, head);
  }
  if (!handler_) return Close();
  handler_(path, [weak = weak_from_this(), keep_alive, head](HttpReply reply) {
    const auto self = weak.lock();
    // Too late: the deadline closed the connection, or the server is gone.
    if (self && self->socket_.is_open()) self->Write(std::move(reply), keep_alive, head);
  });
}

void HttpConnection::Write(HttpReply reply, bool keep_alive, bool head) {
  response_.emplace();
  response_->result(static_cast<unsigned>(reply.status));
  response_->version(11);
  response_->set(http::field::content_type, reply.content_type);
  response_->set(http::field::cache_control, "no-store");
  if (reply.status == 405) response_->set(http::field::allow, "GET, HEAD");
  response_->keep_alive(keep_alive);
  response_->body() = std::move(reply.body);
  response_->prepare_payload();
  serializer_.emplace(*response_);
  auto written = [self = shared_from_this(), keep_alive](const beast::error_code& error, size_t) {
    self->Written(error, keep_alive);
  };
  // A HEAD answer has the header of the GET answer, its length too, and no body (RFC 9110 9.3.2).
  if (head) {
    http::async_write_header(socket_, *serializer_, std::move(written));
  } else {
    http::async_write(socket_, *serializer_, std::move(written));
  }
}

void HttpConnection::Written(beast::error_code error, bool keep_alive) {
  serializer_.reset();
  response_.reset();
  if (error) return Close();
  if (keep_alive) return ReadRequest();
  socket_.shutdown(Socket::shutdown_send, error);
  buffer_.consume(buffer_.size());
  Linger();
}

void HttpConnection::Linger() {
  // The deadline of the request goes on: a client that sends slowly for ever is closed by it.
  constexpr size_t kReadBytes = 4096;
  socket_.async_read_some(
      buffer_.prepare(kReadBytes),
      [self = shared_from_this()](const beast::error_code& error, size_t bytes) {
        self->lingered_bytes_ += bytes;
        if (error || self->lingered_bytes_ > kMaxLingerBytes) return self->Close();
        self->Linger();
      });
}

void HttpConnection::Close() {
  deadline_.cancel();
  beast::error_code ignored;  // A socket that cannot be closed is closed all the same, close(2).
  socket_.close(ignored);
  if (auto ended = std::exchange(ended_, nullptr)) ended(this);
}

}  // namespace lb
