#include "tests/e2e/tools/server.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "tests/e2e/tools/report.h"
#include "tests/e2e/tools/sockets.h"

namespace lb::testpeer {
namespace {

constexpr size_t kReadBytes = 65'536;
// A connection stops being read while this much waits to be echoed.
constexpr size_t kMaxPendingBytes = 256 * 1024;

struct Connection {
  enum class Kind { kUnknown, kHttp, kEcho };
  UniqueFd fd;
  Kind kind = Kind::kUnknown;
  std::string request;    // HTTP: what of a header has come.
  std::string pending;    // To be sent.
  bool finished = false;  // The client's FIN came.
};

}  // namespace

class Server::Impl final {
 public:
  Impl(EventLoop& loop, Options options) : loop_(loop), options_(std::move(options)) {}

  absl::Status Start() {
    auto listener = Listen(options_.listen);
    if (!listener.ok()) return listener.status();
    listener_ = *std::move(listener);
    loop_.Watch(listener_.get(), EPOLLIN, [this](uint32_t) { Accept(); });
    ReportLater();
    return absl::OkStatus();
  }

  void Report() const {
    WriteReport({{"name", options_.name},
                 {"accepted", accepted_},
                 {"open", connections_.size()},
                 {"peak", peak_},
                 {"requests", requests_},
                 {"checks", checks_},
                 {"errors", ToJson(errors_)}});
  }

 private:
  void ReportLater() {
    Report();
    loop_.After(kReportInterval, [this] { ReportLater(); });
  }

  void Accept() {
    while (true) {
      const int fd = accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        if (errno != EAGAIN) ++errors_[ErrnoName(errno)];
        return;
      }
      ++accepted_;
      connections_[fd].fd.Reset(fd);
      peak_ = std::max<uint64_t>(peak_, connections_.size());
      loop_.Watch(fd, EPOLLIN, [this, fd](uint32_t) { Advance(connections_.at(fd)); });
    }
  }

  void Close(Connection& connection) {
    const int fd = connection.fd.get();
    loop_.Forget(fd);
    connections_.erase(fd);
  }

  void Fail(Connection& connection) {
    ++errors_[ErrnoName(errno)];
    Close(connection);
  }

  // Reads once, sends what can be sent, and waits for whatever is to come next.
  void Advance(Connection& connection) {
    if (!connection.finished && connection.pending.size() < kMaxPendingBytes) {
      const ssize_t got = recv(connection.fd.get(), buffer_.data(), buffer_.size(), 0);
      if (got < 0 && errno != EAGAIN) return Fail(connection);
      if (got == 0) connection.finished = true;
      if (got > 0) Take(connection, std::string_view(buffer_.data(), static_cast<size_t>(got)));
    }
    if (!connection.pending.empty()) {
      const ssize_t sent = send(connection.fd.get(), connection.pending.data(),
                                connection.pending.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return Fail(connection);
      if (sent > 0) connection.pending.erase(0, static_cast<size_t>(sent));
    }
    if (connection.finished && connection.pending.empty()) return Close(connection);
    uint32_t events = 0;
    if (!connection.pending.empty()) events |= EPOLLOUT;
    if (!connection.finished && connection.pending.size() < kMaxPendingBytes) events |= EPOLLIN;
    loop_.Change(connection.fd.get(), events);
  }

  void Take(Connection& connection, std::string_view data) {
    if (connection.kind == Connection::Kind::kUnknown) {
      connection.kind = data[0] == 'G' ? Connection::Kind::kHttp : Connection::Kind::kEcho;
    }
    if (connection.kind == Connection::Kind::kEcho) {
      connection.pending.append(data);
      return;
    }
    connection.request.append(data);
    for (size_t end; (end = connection.request.find("\r\n\r\n")) != std::string::npos;) {
      ++(connection.request.starts_with("GET /health ") ? checks_ : requests_);
      connection.request.erase(0, end + 4);
      connection.pending +=
          "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(options_.name.size()) +
          "\r\n\r\n" + options_.name;
    }
  }

  EventLoop& loop_;
  const Options options_;
  UniqueFd listener_;
  std::unordered_map<int, Connection> connections_;
  std::array<char, kReadBytes> buffer_;
  uint64_t accepted_ = 0;
  uint64_t peak_ = 0;
  uint64_t requests_ = 0;
  uint64_t checks_ = 0;
  Counts errors_;
};

Server::Server(EventLoop& loop, Options options)
    : impl_(std::make_unique<Impl>(loop, std::move(options))) {}

Server::~Server() = default;

absl::Status Server::Start() { return impl_->Start(); }

void Server::Finish() { impl_->Report(); }

}  // namespace lb::testpeer
