#include "base/http_server.h"

#include <sys/socket.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/http_connection.h"
#include "base/listen.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"

namespace lb {

namespace asio = boost::asio;

namespace {

constexpr mode_t kUnixMode = 0660;
// After EMFILE and its kin the waiting connection stays in the backlog and would be reported again
// at once; a pause lets others give descriptors back.
constexpr std::chrono::milliseconds kAcceptPause{100};

// What accept(2) reports about the one connection that was waiting; the next may be fine.
bool ConcernsOneConnection(int error) {
  return error == ECONNABORTED || error == EINTR || error == EPROTO || error == EPERM ||
         error == ENETDOWN || error == ENOPROTOOPT || error == EHOSTDOWN || error == ENONET ||
         error == EHOSTUNREACH || error == EOPNOTSUPP || error == ENETUNREACH;
}

}  // namespace

class HttpServer::Impl final : public std::enable_shared_from_this<HttpServer::Impl> {
 public:
  Impl(asio::io_context& io, Listening listening, Handler handler)
      : io_(io),
        family_(listening.address.ToSocketAddress().family()),
        address_(listening.address),
        file_(std::move(listening.file)),
        handler_(std::move(handler)),
        listener_(io, listening.fd.Release()),
        pause_(io) {}

  const Endpoint& address() const { return address_; }

  // Accepts while there is room; a connection that ends makes room again.
  void WaitForClients() {
    if (stopped_ || waiting_ || connections_.size() >= kMaxConnections) return;
    waiting_ = true;
    listener_.async_wait(asio::posix::stream_descriptor::wait_read,
                         [self = shared_from_this()](const boost::system::error_code& error) {
                           self->waiting_ = false;
                           if (!error) self->AcceptAll();
                         });
  }

  void Stop() {
    stopped_ = true;
    listener_.close();
    pause_.cancel();
    // Abandon calls nobody back, so the set does not change under the loop.
    for (const auto& connection : connections_) connection->Abandon();
    connections_.clear();
    file_ = SocketFile();
  }

 private:
  void AcceptAll() {
    while (!stopped_ && connections_.size() < kMaxConnections) {
      UniqueFd fd(
          ::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (fd.valid()) {
        Serve(std::move(fd));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        break;
      } else if (!ConcernsOneConnection(errno)) {
        return PauseAccepting(errno);
      }
    }
    WaitForClients();
  }

  void Serve(UniqueFd fd) {
    HttpConnection::Socket socket(io_, asio::generic::stream_protocol(family_, 0), fd.Release());
    auto ended = [weak = weak_from_this()](const HttpConnection* connection) {
      if (const auto self = weak.lock()) self->Forget(connection);
    };
    const auto connection =
        std::make_shared<HttpConnection>(std::move(socket), handler_, std::move(ended));
    connections_.insert(connection);
    connection->Start();
  }

  void Forget(const HttpConnection* connection) {
    std::erase_if(connections_, [&](const auto& held) { return held.get() == connection; });
    WaitForClients();
  }

  void PauseAccepting(int error) {
    LogWarn("HTTP server cannot accept",
            {{"address", address_.ToString()}, {"error", std::strerror(error)}});
    waiting_ = true;
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([self = shared_from_this()](const boost::system::error_code& stopped) {
      self->waiting_ = false;
      if (!stopped) self->WaitForClients();
    });
  }

  asio::io_context& io_;
  const int family_;
  const Endpoint address_;
  SocketFile file_;
  Handler handler_;
  asio::posix::stream_descriptor listener_;
  asio::steady_timer pause_;
  std::set<std::shared_ptr<HttpConnection>> connections_;
  bool waiting_ = false;  // For a client, or for the end of a pause.
  bool stopped_ = false;
};

HttpServer::HttpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() { impl_->Stop(); }

Endpoint HttpServer::address() const { return impl_->address(); }

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(asio::io_context& io,
                                                              const Endpoint& address,
                                                              Handler handler) {
  if (address.kind() != Endpoint::Kind::kUnix && !IsLoopback(address)) {
    return absl::InvalidArgumentError(
        absl::StrCat("http address ", address.ToString(),
                     ": plain HTTP is served on loopback (127.0.0.1:PORT) or unix:PATH only"));
  }
  LB_ASSIGN_OR_RETURN(Listening listening, Listen(address, kUnixMode));
  auto impl = std::make_shared<Impl>(io, std::move(listening), std::move(handler));
  impl->WaitForClients();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

}  // namespace lb
