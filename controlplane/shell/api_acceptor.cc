#include "controlplane/shell/api_acceptor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "base/time.h"
#include "controlplane/shell/socket_peer.h"

namespace lb::controlplane {
namespace {

namespace asio = boost::asio;
using asio::posix::descriptor_base;
using boost::system::error_code;

bool IsShortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

bool HasHungUp(int fd) {
  pollfd look{fd, 0, 0};
  return ::poll(&look, 1, 0) != 0;
}

}  // namespace

class ApiAcceptor::Impl final : public std::enable_shared_from_this<ApiAcceptor::Impl> {
 public:
  Impl(asio::io_context& io, Options options, Listening listening, OnConnection on_connection)
      : io_(io),
        options_(std::move(options)),
        on_connection_(std::move(on_connection)),
        pause_(io),
        address_(std::move(listening.address)),
        file_(std::move(listening.file)) {
    listener_.emplace(io, listening.fd.Release());
  }

  void Wait() {
    listener_->async_wait(descriptor_base::wait_read,
                          [weak = weak_from_this()](const error_code& error) {
                            auto self = weak.lock();
                            if (!error && self != nullptr) self->AcceptAll();
                          });
  }

  void Stop() {
    file_ = SocketFile();
    listener_.reset();
    pause_.cancel();
    watched_.clear();
    sources_.clear();
  }

  const Endpoint& address() const { return address_; }
  size_t connections() const { return watched_.size(); }

  const Counters& counters() const { return counters_; }

  void HangUp() {
    for (const Watched& watched : watched_)
      ::shutdown(watched->descriptor.native_handle(), SHUT_RDWR);
  }

 private:
  // The second descriptor of a connection.
  struct Connection {
    asio::posix::stream_descriptor descriptor;
    std::string source;  // Empty on a unix socket.
    Identity peer;       // Empty on TCP.
  };
  using Watched = std::shared_ptr<Connection>;
  enum class Refusal { kUid, kLimit, kSource, kShortage };

  bool is_unix() const { return address_.kind() == Endpoint::Kind::kUnix; }

  void AcceptAll() {
    while (MayAccept(ReadClocks().steady)) {
      UniqueFd connection(
          ::accept4(listener_->native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (connection.valid()) {
        if (!Take(std::move(connection))) return Pause(kPause);
        continue;
      }
      if (IsShortage(errno)) {
        Count(Refusal::kShortage, std::generic_category().message(errno));
        return Pause(kPause);
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK) return Wait();
      // Anything else (ECONNABORTED, EINTR) concerns one connection: go on with the next.
    }
    Pause(kBurstInterval);
  }

  // False when so many were accepted, or tried, in this interval that the next ones have to wait.
  bool MayAccept(Instant now) {
    if (now - burst_began_ >= kBurstInterval) {
      burst_began_ = now;
      in_burst_ = 0;
    }
    return in_burst_++ < kMaxBurst;
  }

  // Returns false when there is no descriptor left.
  bool Take(UniqueFd connection) {
    std::optional<Identity> peer;
    std::string source;
    if (is_unix()) {
      peer = Identify(connection);
      if (!peer) return true;
    } else {
      source = SourceOf(connection.get());
      if (!HasRoom(source)) return true;
      PrepareTcp(connection.get());
    }
    if (watched_.size() >= options_.max_connections) {
      Count(Refusal::kLimit, "all " + std::to_string(options_.max_connections) + " are taken");
      return true;
    }
    UniqueFd duplicate(::fcntl(connection.get(), F_DUPFD_CLOEXEC, 0));
    if (!duplicate.valid()) {
      Count(Refusal::kShortage, std::generic_category().message(errno));
      return false;
    }
    auto watched = std::make_shared<Connection>(
        Connection{asio::posix::stream_descriptor(io_, duplicate.Release()), source,
                   peer.value_or(Identity{})});
    watched_.insert(watched);
    if (!source.empty()) ++sources_[source];
    WaitForEnd(watched);
    ++counters_.accepted;
    on_connection_(std::move(connection), watched->peer);
    return true;
  }

  std::optional<Identity> Identify(const UniqueFd& connection) {
    const std::optional<UnixPeer> peer = ReadUnixPeer(connection.get());
    if (!peer) return std::nullopt;  // It is gone.
    std::optional<Caller> caller = options_.identify(peer->uid, peer->gids);
    if (!caller) Count(Refusal::kUid, "uid " + std::to_string(peer->uid) + " is not allowed");
    if (!caller) return std::nullopt;
    return Identity{*std::move(caller), "", options_.by_process ? peer->pid : 0};
  }

  bool HasRoom(const std::string& source) {
    if (source.empty()) return false;  // It is gone.
    const auto found = sources_.find(source);
    if (found == sources_.end() || found->second < options_.max_connections_per_source) return true;
    Count(Refusal::kSource, source + " has all it may have");
    return false;
  }

  void Forget(const Watched& watched) {
    watched_.erase(watched);
    const auto source = sources_.find(watched->source);
    if (source != sources_.end() && --source->second == 0) sources_.erase(source);
    if (options_.on_end) options_.on_end(watched->peer);
  }

  // Whoever closes shuts the socket down first (gRPC does) or is the peer: both hang it up. Data
  // must not wake this wait, since somebody else reads it.
  void WaitForEnd(const Watched& watched) {
    watched->descriptor.async_wait(descriptor_base::wait_error,
                                   [weak = weak_from_this(), watched](const error_code& error) {
                                     auto self = weak.lock();
                                     if (self == nullptr) return;
                                     if (error || HasHungUp(watched->descriptor.native_handle())) {
                                       self->Forget(watched);
                                       return;
                                     }
                                     self->WaitForEnd(watched);
                                   });
  }

  void Pause(Duration duration) {
    pause_.expires_after(duration);
    pause_.async_wait([weak = weak_from_this()](const error_code& error) {
      auto self = weak.lock();
      if (!error && self != nullptr) self->AcceptAll();
    });
  }

  void Count(Refusal refusal, const std::string& why) {
    uint64_t* const counters[] = {&counters_.refused_uid, &counters_.refused_limit,
                                  &counters_.refused_source, &counters_.shortages};
    ++*counters[static_cast<size_t>(refusal)];
    const Instant now = ReadClocks().steady;
    std::optional<Instant>& logged = logged_[static_cast<size_t>(refusal)];
    if (logged && now - *logged < kLogInterval) return;
    logged = now;
    LogWarn("connection refused", {{"socket", address_.ToString()}, {"error", why}});
  }

  asio::io_context& io_;
  const Options options_;
  OnConnection on_connection_;
  asio::steady_timer pause_;
  Instant burst_began_{};
  int in_burst_ = 0;
  std::optional<asio::posix::stream_descriptor> listener_;
  const Endpoint address_;
  SocketFile file_;
  std::set<Watched> watched_;
  std::map<std::string, size_t> sources_;  // Open connections of each.
  Counters counters_;
  std::array<std::optional<Instant>, 4> logged_;  // By Refusal: when it was last logged.
};

ApiAcceptor::ApiAcceptor(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

ApiAcceptor::~ApiAcceptor() { impl_->Stop(); }

absl::StatusOr<std::unique_ptr<ApiAcceptor>> ApiAcceptor::Start(asio::io_context& io,
                                                                Options options,
                                                                OnConnection on_connection) {
  absl::StatusOr<Listening> listener = ListenApi(options.listener);
  if (!listener.ok()) return listener.status();
  auto impl = std::make_shared<Impl>(io, std::move(options), *std::move(listener),
                                     std::move(on_connection));
  impl->Wait();
  return std::unique_ptr<ApiAcceptor>(new ApiAcceptor(std::move(impl)));
}

const Endpoint& ApiAcceptor::address() const { return impl_->address(); }

size_t ApiAcceptor::connections() const { return impl_->connections(); }

void ApiAcceptor::HangUp() { impl_->HangUp(); }

const ApiAcceptor::Counters& ApiAcceptor::counters() const { return impl_->counters(); }

}  // namespace lb::controlplane
