#include "controlplane/shell/unix_acceptor.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <set>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "base/time.h"

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

class UnixAcceptor::Impl final : public std::enable_shared_from_this<UnixAcceptor::Impl> {
 public:
  Impl(asio::io_context& io, Options options, Listening listening, OnConnection on_connection)
      : io_(io),
        options_(std::move(options)),
        on_connection_(std::move(on_connection)),
        pause_(io),
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
  }

  size_t connections() const { return watched_.size(); }

  bool HasPeer(pid_t pid) const {
    return std::any_of(watched_.begin(), watched_.end(), [pid](const Watched& watched) {
      ucred peer{};
      socklen_t length = sizeof(peer);
      return ::getsockopt(watched->native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
             peer.pid == pid;
    });
  }

  const Counters& counters() const { return counters_; }

 private:
  using Watched = std::shared_ptr<asio::posix::stream_descriptor>;
  enum class Refusal { kUid, kLimit, kShortage };

  const std::string& path() const { return options_.listener.address.host(); }

  void AcceptAll() {
    constexpr int kMostAtOnce = 64;  // Then others on the loop have their turn.
    for (int i = 0; i < kMostAtOnce; ++i) {
      UniqueFd connection(
          ::accept4(listener_->native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (connection.valid()) {
        if (!Take(std::move(connection))) return Pause();
        continue;
      }
      if (IsShortage(errno)) {
        Count(Refusal::kShortage, std::generic_category().message(errno));
        return Pause();
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      // Anything else (ECONNABORTED, EINTR) concerns one connection: go on with the next.
    }
    Wait();
  }

  // Returns false when there is no descriptor left.
  bool Take(UniqueFd connection) {
    ucred peer{};
    socklen_t length = sizeof(peer);
    if (::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return true;
    if (!Allowed(peer.uid)) {
      Count(Refusal::kUid, "uid " + std::to_string(peer.uid) + " is not allowed");
      return true;
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
    auto watched = std::make_shared<asio::posix::stream_descriptor>(io_, duplicate.Release());
    watched_.insert(watched);
    WaitForEnd(watched);
    ++counters_.accepted;
    on_connection_(std::move(connection));
    return true;
  }

  bool Allowed(uid_t uid) const {
    const auto& uids = options_.allowed_uids;
    return !uids || std::find(uids->begin(), uids->end(), uid) != uids->end();
  }

  // Whoever closes shuts the socket down first (gRPC does) or is the peer: both hang it up. Data
  // must not wake this wait, since somebody else reads it.
  void WaitForEnd(const Watched& watched) {
    watched->async_wait(descriptor_base::wait_error,
                        [weak = weak_from_this(), watched](const error_code& error) {
                          auto self = weak.lock();
                          if (self == nullptr) return;
                          if (error || HasHungUp(watched->native_handle())) {
                            self->watched_.erase(watched);
                            return;
                          }
                          self->WaitForEnd(watched);
                        });
  }

  void Pause() {
    pause_.expires_after(kPause);
    pause_.async_wait([weak = weak_from_this()](const error_code& error) {
      auto self = weak.lock();
      if (!error && self != nullptr) self->AcceptAll();
    });
  }

  void Count(Refusal refusal, const std::string& why) {
    uint64_t* const counters[] = {&counters_.refused_uid, &counters_.refused_limit,
                                  &counters_.shortages};
    ++*counters[static_cast<size_t>(refusal)];
    const Instant now = ReadClocks().steady;
    std::optional<Instant>& logged = logged_[static_cast<size_t>(refusal)];
    if (logged && now - *logged < kLogInterval) return;
    logged = now;
    LogWarn("connection refused", {{"socket", path()}, {"error", why}});
  }

  asio::io_context& io_;
  const Options options_;
  OnConnection on_connection_;
  asio::steady_timer pause_;
  std::optional<asio::posix::stream_descriptor> listener_;
  SocketFile file_;
  std::set<Watched> watched_;
  Counters counters_;
  std::array<std::optional<Instant>, 3> logged_;  // By Refusal: when it was last logged.
};

UnixAcceptor::UnixAcceptor(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

UnixAcceptor::~UnixAcceptor() { impl_->Stop(); }

absl::StatusOr<std::unique_ptr<UnixAcceptor>> UnixAcceptor::Start(asio::io_context& io,
                                                                  Options options,
                                                                  OnConnection on_connection) {
  absl::StatusOr<Listening> listener = ListenUnix(options.listener);
  if (!listener.ok()) return listener.status();
  auto impl = std::make_shared<Impl>(io, std::move(options), *std::move(listener),
                                     std::move(on_connection));
  impl->Wait();
  return std::unique_ptr<UnixAcceptor>(new UnixAcceptor(std::move(impl)));
}

size_t UnixAcceptor::connections() const { return impl_->connections(); }

bool UnixAcceptor::HasPeer(pid_t pid) const { return impl_->HasPeer(pid); }

const UnixAcceptor::Counters& UnixAcceptor::counters() const { return impl_->counters(); }

std::vector<uid_t> TrustedUids(const std::string& name) {
  std::vector<uid_t> uids{0, ::geteuid()};
  if (const passwd* user = ::getpwnam(name.c_str()); user != nullptr) uids.push_back(user->pw_uid);
  return uids;
}

}  // namespace lb::controlplane
