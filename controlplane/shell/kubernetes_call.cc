#include "controlplane/shell/kubernetes_call.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/version.h"
#include "controlplane/discovery/slice.h"
#include "controlplane/shell/dns_query.h"
#include "controlplane/shell/probe_tls_end.h"
#include "controlplane/shell/streamed_body.h"

namespace lb::controlplane {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;

constexpr size_t kReadBytes = 64u << 10;  // At once.

// A server that vanishes without a word is noticed although a watch may be silent for minutes.
void KeepAlive(Socket& socket) {
  const auto set = [&](int level, int name, int value) {
    ::setsockopt(socket.native_handle(), level, name, &value, sizeof(value));
  };
  constexpr int kIdleSeconds = 30;
  constexpr int kIntervalSeconds = 10;
  constexpr int kProbes = 3;
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, kIdleSeconds);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kIntervalSeconds);
  set(IPPROTO_TCP, TCP_KEEPCNT, kProbes);
}

std::string HostHeader(const ApiServerPlace& place) {
  const bool ipv6 = place.host.find(':') != std::string::npos;
  return absl::StrCat(ipv6 ? "[" : "", place.host, ipv6 ? "]" : "", ":", place.port);
}

std::string RequestText(const ApiRequest& request) {
  http::request<http::empty_body> get(http::verb::get, request.target, 11);
  get.set(http::field::host, HostHeader(request.access.place));
  get.set(http::field::user_agent, absl::StrCat("lb-controlplane/", kVersion));
  get.set(http::field::accept, "application/json");
  get.set(http::field::connection, "close");
  if (!request.access.token.empty())
    get.set(http::field::authorization, absl::StrCat("Bearer ", request.access.token));
  std::ostringstream text;
  text << get;
  return text.str();
}

}  // namespace

// Lives as long as a handler is in flight; Stop() makes all of them do nothing.
class KubernetesCall::Impl final : public std::enable_shared_from_this<KubernetesCall::Impl> {
 public:
  Impl(asio::io_context& io, ApiRequest request, Callbacks callbacks)
      : io_(io),
        request_(std::move(request)),
        callbacks_(std::move(callbacks)),
        socket_(io),
        deadline_(io),
        connect_deadline_(io) {
    parser_.header_limit(kMaxHeaderBytes);
    parser_.body_limit(boost::none);
    parser_.eager(true);
    parser_.get().body().take = [this](std::string_view bytes) { return TakeBody(bytes); };
  }

  void Start(ProbeTlsContexts& contexts) {
    if (request_.access.tls) {
      absl::StatusOr<bssl::UniquePtr<SSL>> ssl = contexts.NewSsl(*request_.access.tls);
      if (!ssl.ok()) return EndLater(absl::StrCat("TLS: ", ssl.status().message()));
      ssl_ = *std::move(ssl);
    }
    Wait(request_.answer_timeout);
    const ApiServerPlace& place = request_.access.place;
    const absl::StatusOr<Endpoint> ip = Endpoint::FromIp(place.host, place.port);
    if (ip.ok()) {
      addresses_ = {*ip};
      asio::post(io_, [self = shared_from_this()] { self->ConnectNext("no address"); });
      return;
    }
    const absl::StatusOr<Endpoint> name =
        Endpoint::Parse(absl::StrCat(place.host, ":", place.port));
    if (!name.ok()) return EndLater(absl::StrCat("'", place.host, "' is no host"));
    RunDnsQuery(io_, {.query = 0, .name = *name, .dns = request_.dns},
                [weak = weak_from_this()](Resolved answer) {
                  if (auto self = weak.lock()) self->TakeAddresses(std::move(answer));
                });
  }

  void Stop() {
    if (std::exchange(stopped_, true)) return;
    deadline_.cancel();
    connect_deadline_.cancel();
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  void EndLater(std::string why) {
    asio::post(io_, [self = shared_from_this(), why = std::move(why)] { self->Fail(why); });
  }

  void TakeAddresses(Resolved answer) {
    if (stopped_) return;
    if (!answer.error.ok()) return Fail(absl::StrCat("its name: ", answer.error.message()));
    addresses_ = std::move(answer.endpoints);
    // They come sorted: one would have all the calls, and hold up all when it hangs.
    if (!addresses_.empty()) {
      const size_t first = request_.turn % addresses_.size();
      std::rotate(addresses_.begin(), addresses_.begin() + static_cast<ptrdiff_t>(first),
                  addresses_.end());
    }
    if (addresses_.size() > kMaxAddresses) addresses_.resize(kMaxAddresses);
    ConnectNext("its name has no address");
  }

  // Tries the next address; `why` is what became of the one before.
  void ConnectNext(const std::string& why) {
    if (stopped_) return;
    if (next_address_ == addresses_.size()) return Fail(why);
    const auto left = static_cast<int>(addresses_.size() - next_address_);
    const SocketAddress address = addresses_[next_address_++].ToSocketAddress();
    error_code error;
    socket_.close(error);
    socket_.open(asio::generic::stream_protocol(address.family(), IPPROTO_TCP), error);
    // A host without IPv6 reaches the server by its other addresses.
    if (error) return ConnectNext(absl::StrCat("socket: ", error.message()));
    LimitConnect(left);
    const Socket::endpoint_type endpoint(address.get(), address.length);
    socket_.async_connect(endpoint, [self = shared_from_this()](error_code done) {
      if (self->stopped_) return;
      self->connect_deadline_.cancel();
      if (!done) self->socket_.non_blocking(true, done);
      if (done) return self->ConnectNext(absl::StrCat("connect: ", done.message()));
      self->Connected();
    });
  }

  // Gives up this address in time for the others of the `left`; the last one has the whole rest.
  void LimitConnect(int left) {
    if (left == 1) return;
    const auto rest = deadline_.expiry() - asio::steady_timer::clock_type::now();
    connect_deadline_.expires_after(rest / left);
    connect_deadline_.async_wait(
        [weak = weak_from_this(), attempt = next_address_](const error_code& error) {
          auto self = weak.lock();
          if (error || self == nullptr || self->stopped_) return;
          // Cancelling comes too late for a timer that is due: it may be another address's turn.
          if (self->next_address_ != attempt || self->connected_) return;
          error_code ignored;
          self->socket_.close(ignored);  // The connect ends with an error.
        });
  }

  void Connected() {
    connected_ = true;
    KeepAlive(socket_);
    if (ssl_ != nullptr)
      tls_.emplace(std::move(ssl_), std::vector<std::string>{"http/1.1"},
                   VerifiedBy(*request_.access.tls));
    else
      out_ = RequestText(request_);
    Flush();
    WaitForBytes();
  }

  void Flush() {
    if (stopped_ || writing_) return;
    if (tls_) out_.append(tls_->TakeWire());
    if (out_.empty()) return;
    writing_ = true;
    in_writing_ = std::exchange(out_, {});
    asio::async_write(socket_, asio::buffer(in_writing_),
                      [self = shared_from_this()](const error_code&, size_t) {
                        self->writing_ = false;
                        self->Flush();  // What is wrong is known when it is read.
                      });
  }

  void WaitForBytes() {
    socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const error_code& error) {
      if (self->stopped_) return;
      if (error) return self->Fail(absl::StrCat("read: ", error.message()));
      self->ReadBytes();
    });
  }

  void ReadBytes() {
    std::array<char, kReadBytes> buffer;
    error_code error;
    const size_t bytes = socket_.read_some(asio::buffer(buffer), error);
    if (error == asio::error::eof) return CutOff();
    if (error && error != asio::error::would_block)
      return Fail(absl::StrCat("read: ", error.message()));
    if (!error) Take({buffer.data(), bytes});
    if (stopped_) return;
    Flush();
    WaitForBytes();
  }

  void Take(std::string_view wire) {
    using State = ProbeTlsEnd::State;
    if (!tls_) return Parse(wire);
    const std::string plaintext = tls_->Receive(wire);
    if (tls_->state() == State::kFailed) return Fail(absl::StrCat("TLS: ", tls_->problem()));
    if (tls_->state() == State::kOpen && !std::exchange(asked_, true))
      tls_->Send(RequestText(request_));
    Parse(plaintext);
    if (!stopped_ && tls_->state() == State::kEnded) CutOff();
  }

  void Parse(std::string_view bytes) {
    unparsed_.append(bytes);
    while (!unparsed_.empty() && !stopped_) {
      error_code error;
      const size_t taken = parser_.put(asio::buffer(unparsed_), error);
      unparsed_.erase(0, taken);
      if (!body_error_.ok()) return End({200, body_error_});
      if (error == http::error::need_more) break;
      if (error) return Fail(absl::StrCat("no answer of HTTP: ", error.message()));
      NoteHeader();
      if (parser_.is_done()) return Done();
      if (taken == 0) break;
    }
    NoteHeader();
    // Chunk headers and the header itself are all that ever waits for more.
    if (!stopped_ && unparsed_.size() > kMaxHeaderBytes + kReadBytes)
      Fail("no answer of HTTP: a header is too long");
  }

  void NoteHeader() {
    if (stopped_ || !parser_.is_header_done() || std::exchange(answered_, true)) return;
    Wait(request_.total_timeout);
    if (Good()) callbacks_.on_answer();
  }

  bool Good() const { return parser_.get().result_int() == 200; }

  bool TakeBody(std::string_view bytes) {
    NoteHeader();
    if (!Good()) {
      error_body_.append(bytes.substr(0, kMaxErrorBytes - error_body_.size()));
      return true;
    }
    if (!stopped_) body_error_ = callbacks_.on_body(bytes);
    return !stopped_ && body_error_.ok();
  }

  void CutOff() {
    if (parser_.is_header_done()) {
      error_code error;
      parser_.put_eof(error);
      if (!error && parser_.is_done()) return Done();
    }
    Fail(answered_ ? "its answer was cut off" : "it ended the connection without an answer");
  }

  void Done() {
    const unsigned status = parser_.get().result_int();
    if (status == 200) return End({status, absl::OkStatus()});
    const std::string message = ReadApiStatus(error_body_).message;
    End({status,
         absl::UnavailableError(
             absl::StrCat("HTTP ", status, message.empty() ? "" : ": ", message)),
         RetryAfter()});
  }

  // Seconds alone; the API server sends no date.
  std::chrono::seconds RetryAfter() const {
    const auto text = parser_.get()[http::field::retry_after];
    uint32_t seconds = 0;
    if (!absl::SimpleAtoi(absl::string_view(text.data(), text.size()), &seconds)) return {};
    return std::min(std::chrono::seconds(seconds), kMaxRetryAfter);
  }

  void Wait(std::chrono::milliseconds timeout) {
    deadline_.expires_after(timeout);
    deadline_.async_wait([weak = weak_from_this(), timeout](const error_code& error) {
      auto self = weak.lock();
      if (error || self == nullptr || self->stopped_) return;
      if (self->deadline_.expiry() > asio::steady_timer::clock_type::now()) return;
      self->Fail(absl::StrCat("timeout after ", timeout.count(), " ms"));
    });
  }

  void Fail(const std::string& why) {
    if (stopped_) return;
    End({parser_.is_header_done() ? parser_.get().result_int() : 0,
         absl::UnavailableError(
             absl::StrCat("API server ", HostHeader(request_.access.place), ": ", why))});
  }

  void End(ApiEnd end) {
    if (stopped_) return;
    Stop();
    // It may destroy the call.
    const auto self = shared_from_this();
    callbacks_.on_end(std::move(end));
  }

  asio::io_context& io_;
  const ApiRequest request_;
  const Callbacks callbacks_;
  Socket socket_;
  asio::steady_timer deadline_;
  asio::steady_timer connect_deadline_;  // Of one address.
  std::vector<Endpoint> addresses_;
  size_t next_address_ = 0;
  bssl::UniquePtr<SSL> ssl_;  // Until connected.
  std::optional<ProbeTlsEnd> tls_;
  http::response_parser<StreamedBody> parser_;
  std::string unparsed_;
  std::string error_body_;
  absl::Status body_error_;
  std::string out_;         // To be written to the socket.
  std::string in_writing_;  // Being written.
  bool connected_ = false;
  bool writing_ = false;
  bool asked_ = false;     // Over TLS: the request is written.
  bool answered_ = false;  // The header came.
  bool stopped_ = false;
};

KubernetesCall::KubernetesCall(asio::io_context& io, ProbeTlsContexts& contexts, ApiRequest request,
                               Callbacks callbacks)
    : impl_(std::make_shared<Impl>(io, std::move(request), std::move(callbacks))) {
  impl_->Start(contexts);
}

KubernetesCall::~KubernetesCall() { impl_->Stop(); }

}  // namespace lb::controlplane
