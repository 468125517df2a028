#include "controlplane/shell/probe.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/overloaded.h"
#include "controlplane/shell/grpc_check.h"
#include "controlplane/shell/http_check.h"
#include "controlplane/shell/probe_tls_end.h"

namespace lb::controlplane {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Protocol = HealthCheckConfig::Protocol;
using Socket = asio::generic::stream_protocol::socket;

constexpr size_t kReadBytes = 16 * 1024;  // At once, into a buffer on the stack.

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

// What is offered by ALPN (RFC 7301): what the check speaks, or what the rule's connections offer.
std::vector<std::string> AlpnOf(const StartProbe& request) {
  if (request.protocol == Protocol::kHttp) return {"http/1.1"};
  if (request.protocol == Protocol::kGrpc) return {"h2"};
  return request.tls->settings->alpn;
}

// Owns itself through the handlers in flight: the last one to finish closes the socket.
class Running final : public std::enable_shared_from_this<Running> {
 public:
  Running(asio::io_context& io, const StartProbe& request, ProbeCallbacks callbacks)
      : request_(request), callbacks_(std::move(callbacks)), socket_(io), deadline_(io) {}

  void Start(ProbeTlsContexts& contexts) {
    if (request_.tls) {
      absl::StatusOr<bssl::UniquePtr<SSL>> ssl = contexts.NewSsl(*request_.tls);
      if (!ssl.ok()) return FailLater(absl::StrCat("TLS: ", ssl.status().message()));
      ssl_ = *std::move(ssl);
    }
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
  void FailLater(std::string detail) {
    asio::post(socket_.get_executor(), [self = shared_from_this(), detail = std::move(detail)] {
      self->Report(ProbeResult::Failed(detail));
      self->Close();
    });
  }

  void ConnectDone(error_code error) {
    if (closed_) return;
    if (!error) socket_.non_blocking(true, error);
    if (error) {
      Report({IsLocalShortage(error) ? ProbeResult::Outcome::kNoResources
                                     : ProbeResult::Outcome::kFailed,
              ConnectError(error)});
      return Close();
    }
    out_ = std::string(ProxyHeader(request_.proxy_header));
    if (request_.tls)
      tls_.emplace(std::move(ssl_), AlpnOf(request_), VerifiedBy(*request_.tls));
    else
      BeginCheck();
    Flush();  // First: an error of it is to be known when an end is read.
    if (!closed_ && !finished_) WaitForBytes();
  }

  // The connection is there, and encrypted where it is to be.
  void BeginCheck() {
    began_ = true;
    switch (request_.protocol) {
      case Protocol::kTcp:
      case Protocol::kTls:
        return Connected();
      case Protocol::kHttp:
        return Send(check_.emplace<HttpCheck>(request_).TakeOutput());
      case Protocol::kGrpc:
        return Send(check_.emplace<GrpcCheck>(request_).TakeOutput());
    }
    LB_CHECK(false);
  }

  void Connected() {
    if (!tls_) return Finish(ProbeResult::Passed("connected"));
    // Told the end, it says what it thinks of us, or ends as well.
    scrutiny_ = tls_->IsUnderScrutiny();
    if (scrutiny_) return tls_->SendClose();
    Finish(HandshakeDone());
  }

  ProbeResult HandshakeDone() const {
    return ProbeResult::Passed(absl::StrCat(tls_->version(), " handshake"));
  }

  void Send(const std::string& plaintext) {
    if (!tls_) {
      out_.append(plaintext);
    } else if (tls_->state() == ProbeTlsEnd::State::kOpen) {
      tls_->Send(plaintext);
    }
  }

  // Writes all that is to be written; after the result, closes when that is done.
  void Flush() {
    if (closed_ || writing_) return;
    if (tls_) out_.append(tls_->TakeWire());
    if (out_.empty()) {
      if (finished_) Close();
      return;
    }
    writing_ = true;
    in_writing_ = std::exchange(out_, {});
    asio::async_write(socket_, asio::buffer(in_writing_),
                      [self = shared_from_this()](const error_code& error, size_t) {
                        self->writing_ = false;
                        if (error) return self->WriteFailed(error);
                        self->Flush();
                      });
  }

  // A backend may answer and close before it has read all: what is read goes first.
  void WriteFailed(const error_code& error) {
    write_error_ = error;
    if (finished_) Close();
  }

  void WaitForBytes() {
    socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const error_code& error) {
      if (self->closed_) return;
      if (error) return self->Broken("read", error);
      self->ReadBytes();
    });
  }

  void ReadBytes() {
    std::array<char, kReadBytes> buffer;
    error_code error;
    const size_t bytes = socket_.read_some(asio::buffer(buffer), error);
    if (!error) {
      Take({buffer.data(), bytes});
    } else if (error == asio::error::eof) {
      return Ended();
    } else if (error != asio::error::would_block) {
      return Broken("read", error);
    }
    Flush();
    if (!closed_ && !finished_) WaitForBytes();
  }

  void Take(std::string_view bytes) {
    read_bytes_ += bytes.size();
    if (draining_ && read_bytes_ > kMaxProbeBodyBytes) return Close();
    if (tls_)
      TakeWire(bytes);
    else if (!draining_)
      TakePlaintext(bytes);
    if (!reported_ && read_bytes_ > kMaxProbeReadBytes)
      Finish(ProbeResult::Failed(
          absl::StrCat("more than ", kMaxProbeReadBytes, " bytes without a result")));
  }

  void TakeWire(std::string_view wire) {
    using State = ProbeTlsEnd::State;
    const std::string plaintext = tls_->Receive(wire);
    if (tls_->state() != State::kHandshake && tls_->state() != State::kFailed && !began_)
      BeginCheck();
    if (!plaintext.empty() && !reported_ && !scrutiny_) TakePlaintext(plaintext);
    if (draining_ && tls_->state() == State::kEnded) tls_->SendClose();  // Some wait for it.
    if (reported_) return;
    if (tls_->state() == State::kFailed)
      return Finish(ProbeResult::Failed(absl::StrCat("TLS: ", tls_->problem())));
    if (scrutiny_ && !tls_->IsUnderScrutiny()) return Finish(HandshakeDone());
    if (tls_->state() == State::kEnded) Finish(CheckEnded());
  }

  void TakePlaintext(std::string_view bytes) {
    std::visit(Overloaded{[](std::monostate) {},
                          [&](auto& check) {
                            std::optional<ProbeResult> result = check.Receive(bytes);
                            if (!result) return Send(check.TakeOutput());
                            if (request_.protocol != Protocol::kHttp)
                              return Finish(*std::move(result));
                            Report(*std::move(result));
                            draining_ = true;
                            read_bytes_ = 0;
                          }},
               check_);
  }

  ProbeResult CheckEnded() const {
    return std::visit(Overloaded{[](std::monostate) {
                                   return ProbeResult::Failed("TLS: closed during the handshake");
                                 },
                                 [](const auto& check) { return check.Ended(); }},
                      check_);
  }

  // The backend said that it sends no more.
  void Ended() {
    if (draining_) {
      error_code ignored;  // The peer closed first, so an ordinary close costs us no TIME_WAIT.
      socket_.set_option(asio::socket_base::linger(false, 0), ignored);
      return Close();
    }
    if (write_error_) return Broken("write", write_error_);
    Finish(scrutiny_ ? HandshakeDone() : CheckEnded());
    Flush();
  }

  void Broken(const char* what, const error_code& error) {
    if (draining_) return Close();
    if (tls_ && (!began_ || scrutiny_))
      Report(ProbeResult::Failed(absl::StrCat("TLS: handshake failed (", error.message(), ")")));
    else
      Report(ProbeResult::Failed(absl::StrCat(what, ": ", error.message())));
    Close();
  }

  void DeadlinePassed() {
    if (closed_) return;
    if (scrutiny_)
      Report(HandshakeDone());
    else
      Report(ProbeResult::Failed(absl::StrCat(tls_ && !began_ ? "TLS: " : "", "timeout after ",
                                              request_.timeout.count(), " ms")));
    Close();
  }

  // Reports, and closes once what is to be written is written.
  void Finish(ProbeResult result) {
    Report(std::move(result));
    if (tls_) tls_->SendClose();
    finished_ = true;
  }

  void Report(ProbeResult result) {
    if (reported_) return;
    reported_ = true;
    callbacks_.on_result(std::move(result));
  }

  void Close() {
    if (closed_) return;
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
  bssl::UniquePtr<SSL> ssl_;  // Until connected.
  std::optional<ProbeTlsEnd> tls_;
  std::variant<std::monostate, HttpCheck, GrpcCheck> check_;
  std::string out_;         // To be written to the socket.
  std::string in_writing_;  // Being written.
  size_t read_bytes_ = 0;   // Of the socket; after the result, of what is drained.
  error_code write_error_;
  bool writing_ = false;
  bool began_ = false;     // The check's own protocol.
  bool scrutiny_ = false;  // See ProbeTlsEnd::IsUnderScrutiny().
  bool draining_ = false;  // There is a result; the rest of the response is dropped.
  bool reported_ = false;
  bool finished_ = false;  // There is a result; nothing more is read.
  bool closed_ = false;
};

}  // namespace

void RunProbe(asio::io_context& io, ProbeTlsContexts& contexts, const StartProbe& request,
              ProbeCallbacks callbacks) {
  std::make_shared<Running>(io, request, std::move(callbacks))->Start(contexts);
}

}  // namespace lb::controlplane
