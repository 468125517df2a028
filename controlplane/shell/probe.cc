#include "controlplane/shell/probe.h"

#include <array>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace lb::controlplane {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;
using Outcome = ProbeResult::Outcome;

constexpr size_t kDrainBytes = 2048;  // Read at once after the header.

// The PROXY header of a connection that is nobody's but our own (proxy-protocol.txt 2.1, 2.2).
absl::string_view ProxyHeader(ProxyVersion version) {
  switch (version) {
    case ProxyVersion::kNone:
      return "";
    case ProxyVersion::kV1:
      return "PROXY UNKNOWN\r\n";
    case ProxyVersion::kV2:
      return {"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16};
  }
  LB_CHECK(false);
}

bool IsLocalShortage(const error_code& error) {
  namespace errc = boost::system::errc;
  return error == errc::too_many_files_open || error == errc::too_many_files_open_in_system ||
         error == errc::no_buffer_space || error == errc::not_enough_memory;
}

std::string ConnectError(const error_code& error) {
  if (error == asio::error::connection_refused) return "connect refused";
  if (error == asio::error::timed_out) return "connect timeout";
  return absl::StrCat("connect: ", error.message());
}

std::string ResponseError(const error_code& error) {
  if (error == http::error::end_of_stream || error == http::error::partial_message)
    return "closed before a whole response header";
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return "response header too large";
  if (error.category() == http::make_error_code(http::error::bad_version).category())
    return absl::StrCat("not an HTTP response: ", error.message());
  return absl::StrCat("read: ", error.message());
}

// Owns itself through the handlers in flight: the last one to finish closes the socket.
class Running final : public std::enable_shared_from_this<Running> {
 public:
  Running(asio::io_context& io, const StartProbe& request, ProbeCallbacks callbacks)
      : request_(request),
        callbacks_(std::move(callbacks)),
        socket_(io),
        deadline_(io),
        buffer_(kMaxProbeHeaderBytes) {}

  void Start() {
    auto self = shared_from_this();
    const SocketAddress address = request_.address.ToSocketAddress();
    error_code error;
    socket_.open(asio::generic::stream_protocol(address.family(), 0), error);
    if (error) {
      asio::post(socket_.get_executor(), [self, error] { self->ConnectDone(error); });
      return;
    }
    deadline_.expires_after(request_.timeout);
    deadline_.async_wait([self](const error_code& cancelled) {
      if (!cancelled) self->DeadlinePassed();
    });
    // Closing resets unless the peer closed first; a unix socket takes the option and ignores it.
    socket_.set_option(asio::socket_base::linger(true, 0), error);
    const Socket::endpoint_type endpoint(address.get(), address.length);
    socket_.async_connect(endpoint, [self](const error_code& done) { self->ConnectDone(done); });
  }

 private:
  void ConnectDone(const error_code& error) {
    if (closed_) return;
    if (error) {
      Report(IsLocalShortage(error) ? Outcome::kNoResources : Outcome::kFailed,
             ConnectError(error));
      return Close();
    }
    out_ = absl::StrCat(ProxyHeader(request_.proxy_header), RequestText());
    if (out_.empty()) return Sent({});
    asio::async_write(socket_, asio::buffer(out_),
                      [self = shared_from_this()](const error_code& failed, size_t) {
                        if (!self->closed_) self->Sent(failed);
                      });
  }

  // Nothing for a TCP check.
  std::string RequestText() const {
    if (request_.protocol == HealthCheckConfig::Protocol::kTcp) return "";
    http::request<http::empty_body> get(http::verb::get, request_.path, 11);
    get.set(http::field::host, request_.host);
    get.set(http::field::user_agent, "lb-healthcheck");
    get.set(http::field::accept, "*/*");
    get.set(http::field::connection, "close");
    std::ostringstream text;
    text << get;
    return text.str();
  }

  void Sent(const error_code& error) {
    // An HTTP server may answer and close before it has read all: try to read.
    if (request_.protocol == HealthCheckConfig::Protocol::kHttp || error) return ReadHeader(error);
    Report(Outcome::kPassed, "connected");
    Close();
  }

  void ReadHeader(const error_code& write_error) {
    if (write_error) {
      Report(Outcome::kFailed, absl::StrCat("write: ", write_error.message()));
      return Close();
    }
    parser_.header_limit(kMaxProbeHeaderBytes);
    http::async_read_header(socket_, buffer_, parser_,
                            [self = shared_from_this()](const error_code& error, size_t) {
                              if (!self->closed_) self->HeaderRead(error);
                            });
  }

  void HeaderRead(const error_code& error) {
    if (error) {
      Report(Outcome::kFailed, ResponseError(error));
      return Close();
    }
    const unsigned status = parser_.get().result_int();
    Report(status == request_.expect_status ? Outcome::kPassed : Outcome::kFailed,
           absl::StrCat("HTTP ", status));
    Drain();
  }

  void Drain() {
    socket_.async_read_some(asio::buffer(scratch_),
                            [self = shared_from_this()](const error_code& error, size_t bytes) {
                              if (!self->closed_) self->Drained(error, bytes);
                            });
  }

  void Drained(const error_code& error, size_t bytes) {
    drained_bytes_ += bytes;
    if (error == asio::error::eof) {
      error_code ignored;  // The peer closed first, so an ordinary close costs us no TIME_WAIT.
      socket_.set_option(asio::socket_base::linger(false, 0), ignored);
    }
    if (error || drained_bytes_ > kMaxProbeBodyBytes) return Close();
    Drain();
  }

  void DeadlinePassed() {
    if (closed_) return;
    Report(Outcome::kFailed, absl::StrCat("timeout after ", request_.timeout.count(), " ms"));
    Close();
  }

  void Report(Outcome outcome, std::string detail) {
    if (reported_) return;
    reported_ = true;
    callbacks_.on_result({outcome, std::move(detail)});
  }

  void Close() {
    closed_ = true;
    deadline_.cancel();
    error_code ignored;  // close(2) releases the descriptor whatever it returns.
    socket_.close(ignored);
    callbacks_.on_closed();
  }

  const StartProbe request_;
  ProbeCallbacks callbacks_;
  Socket socket_;
  asio::steady_timer deadline_;
  boost::beast::flat_buffer buffer_;
  std::string out_;  // What is sent: the PROXY header, the request.
  http::response_parser<http::empty_body> parser_;
  std::array<char, kDrainBytes> scratch_{};
  size_t drained_bytes_ = 0;
  bool reported_ = false;
  bool closed_ = false;
};

}  // namespace

void RunProbe(asio::io_context& io, const StartProbe& request, ProbeCallbacks callbacks) {
  std::make_shared<Running>(io, request, std::move(callbacks))->Start();
}

}  // namespace lb::controlplane
