#include "dataplane/handover/handover_server.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/endpoint.h"
#include "base/listen.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"
#include "dataplane/handover/handover_session.h"
#include "dataplane/handover/peer_user.h"

namespace lb::dataplane {

using boost::asio::posix::stream_descriptor;

namespace {

constexpr mode_t kMode = 0600;
// After EMFILE and its kin whoever waits stays in the backlog and would be told of again at once.
constexpr std::chrono::milliseconds kAcceptPause{100};

absl::Status Failed(const std::string& path, const char* call) {
  return absl::UnavailableError(
      absl::StrCat("hand-over socket ", path, ": ", call, ": ", std::strerror(errno)));
}

struct Bound {
  UniqueFd socket;
  SocketFile file;
  struct stat made {};    // The file.
  std::string displaced;  // Where the file is now that was at the path; empty: none was.
};

// Puts the file `beside` at `path`, and what is there, if anything, in its place: of processes that
// do so at once each learns whom it displaces (rename(2), RENAME_EXCHANGE). Returns whether there
// was anything; nullopt: errno says what failed.
std::optional<bool> Exchange(const char* beside, const char* path) {
  constexpr int kAttempts = 16;  // Each fails only when another process came or went meanwhile.
  for (int i = 0; i < kAttempts; ++i) {
    if (::renameat2(AT_FDCWD, beside, AT_FDCWD, path, RENAME_EXCHANGE) == 0) return true;
    if (errno == EINVAL) break;
    if (errno != ENOENT) return std::nullopt;
    if (::renameat2(AT_FDCWD, beside, AT_FDCWD, path, RENAME_NOREPLACE) == 0) return false;
    if (errno != EEXIST) break;
  }
  // A file system that knows neither.
  if (::rename(beside, path) != 0) return std::nullopt;
  return false;
}

// Binds beside the path and moves the socket there: at no moment is nobody at the path.
absl::StatusOr<Bound> BindAt(const std::string& path) {
  // Not its number: processes of two containers that share the folder may have the same.
  uint32_t mark = 0;
  if (::getrandom(&mark, sizeof mark, 0) != sizeof mark) return Failed(path, "getrandom");
  const std::string beside = absl::StrCat(path, ".", absl::Hex(mark));
  LB_ASSIGN_OR_RETURN(const Endpoint endpoint, Endpoint::Parse(absl::StrCat("unix:", beside)));
  const SocketAddress at = endpoint.ToSocketAddress();
  Bound bound;
  bound.socket.Reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!bound.socket.valid()) return Failed(path, "socket");
  if (::fchmod(bound.socket.get(), kMode) != 0) return Failed(path, "fchmod");
  if (::bind(bound.socket.get(), at.get(), at.length) != 0) return Failed(path, "bind");
  std::optional<bool> displaced;
  if (::listen(bound.socket.get(), HandoverServer::kMaxSessions) == 0 &&
      ::lstat(beside.c_str(), &bound.made) == 0)
    displaced = Exchange(beside.c_str(), path.c_str());
  if (!displaced) {
    const absl::Status failed = Failed(path, "listen or rename");
    static_cast<void>(::unlink(beside.c_str()));
    return failed;
  }
  bound.file = SocketFile(path, bound.made.st_dev, bound.made.st_ino);
  if (*displaced) bound.displaced = beside;
  return bound;
}

}  // namespace

class HandoverServer::Impl final : public std::enable_shared_from_this<HandoverServer::Impl> {
 public:
  Impl(boost::asio::io_context& io, std::string id, Owner owner)
      : io_(io), id_(std::move(id)), owner_(std::move(owner)), listener_(io), pause_(io) {}

  absl::StatusOr<std::string> Listen(const std::string& path) {
    LB_ASSIGN_OR_RETURN(Bound bound, BindAt(path));
    if (listener_.is_open()) listener_.close();
    listener_.assign(bound.socket.Release());
    file_ = std::move(bound.file);
    path_ = path;
    made_ = bound.made;
    Wait();
    return bound.displaced;
  }

  bool is_at_path() const {
    struct stat found {};
    return ::lstat(path_.c_str(), &found) == 0 && found.st_dev == made_.st_dev &&
           found.st_ino == made_.st_ino;
  }

  bool has_successor() const {
    return std::any_of(sessions_.begin(), sessions_.end(),
                       [](const auto& session) { return session->is_successor(); });
  }

  bool has_heir_of_all() const {
    return std::any_of(sessions_.begin(), sessions_.end(), [](const auto& session) {
      return session->is_successor() && session->has_all();
    });
  }

  void Stop() {
    listener_.close();
    pause_.cancel();
    for (const auto& session : sessions_) session->Abandon();
    sessions_.clear();
    file_ = SocketFile();
  }

 private:
  void Wait() {
    listener_.async_wait(stream_descriptor::wait_read,
                         [self = shared_from_this()](const boost::system::error_code& error) {
                           if (!error) self->Accept();
                         });
  }

  void Accept() {
    UniqueFd socket(
        ::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket.valid() && Welcome(socket.get())) {
      auto ended = [weak = weak_from_this()](const HandoverSession* session) {
        if (const auto self = weak.lock()) self->Forget(session);
      };
      sessions_.push_back(
          std::make_shared<HandoverSession>(io_, std::move(socket), id_, owner_, std::move(ended)));
      sessions_.back()->Start();
    }
    if (socket.valid() || errno == EAGAIN || errno == ECONNABORTED) return Wait();
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->Wait();
    });
  }

  bool Welcome(int socket) const {
    if (!IsOwnUser(socket)) {
      LogWarn("hand-over refused: the process belongs to another user");
      return false;
    }
    return sessions_.size() < kMaxSessions;
  }

  void Forget(const HandoverSession* session) {
    std::erase_if(sessions_, [session](const auto& one) { return one.get() == session; });
  }

  boost::asio::io_context& io_;
  const std::string id_;
  const Owner owner_;
  stream_descriptor listener_;
  boost::asio::steady_timer pause_;
  SocketFile file_;
  std::string path_;
  struct stat made_ {};  // Our file there.
  std::vector<std::shared_ptr<HandoverSession>> sessions_;
};

HandoverServer::HandoverServer(boost::asio::io_context& io, std::string id, Owner owner)
    : impl_(std::make_shared<Impl>(io, std::move(id), std::move(owner))) {}

HandoverServer::~HandoverServer() { impl_->Stop(); }

absl::StatusOr<std::string> HandoverServer::Listen(const std::string& path) {
  return impl_->Listen(path);
}

bool HandoverServer::is_at_path() const { return impl_->is_at_path(); }

bool HandoverServer::has_successor() const { return impl_->has_successor(); }

bool HandoverServer::has_heir_of_all() const { return impl_->has_heir_of_all(); }

}  // namespace lb::dataplane
