#include "tests/e2e/tools/idle_load.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/tools/pattern.h"
#include "tests/e2e/tools/report.h"
#include "tests/e2e/tools/sockets.h"

namespace lb::testpeer {
namespace {

struct Idle {
  explicit Idle(uint64_t number) : pattern(number) {}

  UniqueFd fd;
  Pattern pattern;
  bool under_way = false;  // Owes the message of this round.
  uint64_t sent = 0;
  uint64_t received = 0;
};

}  // namespace

class IdleLoad::Impl final {
 public:
  Impl(EventLoop& loop, const Options& options)
      : loop_(loop), options_(options), target_(options.target.ToSocketAddress()) {
    if (options.source.has_value()) source_ = options.source->ToSocketAddress();
    for (uint64_t i = 0; i < options.connections; ++i) all_.emplace_back(i);
  }

  void Start() {
    loop_.Watch(STDIN_FILENO, EPOLLIN, [this](uint32_t) { ReadLines(); });
    StartRound();
    ReportLater();
  }

  void Finish() {
    Report();
    loop_.Stop();
  }

 private:
  void ReportLater() {
    Report();
    loop_.After(kReportInterval, [this] { ReportLater(); });
  }

  void Report() const {
    WriteReport(
        {{"rounds", rounds_}, {"open", open_}, {"echoed", echoed_}, {"ended", ToJson(ended_)}});
  }

  void ReadLines() {
    std::array<char, 64> lines;
    const ssize_t got = read(STDIN_FILENO, lines.data(), lines.size());
    if (got <= 0) return loop_.Forget(STDIN_FILENO);
    if (std::find(lines.data(), lines.data() + got, '\n') != lines.data() + got) StartRound();
  }

  // The test asks for a round when the one before is over.
  void StartRound() {
    ++rounds_;
    echoed_ = 0;
    next_ = 0;
    Continue();
  }

  // Keeps as many connections under way as there may be.
  void Continue() {
    while (under_way_ < options_.at_once && next_ < all_.size()) {
      Idle& idle = all_[next_++];
      if (rounds_ > 1 && !idle.fd.valid()) continue;
      idle.under_way = true;
      ++under_way_;
      rounds_ == 1 ? Open(idle) : Send(idle);
    }
  }

  void Open(Idle& idle) {
    ++open_;
    idle.fd = StartConnect(target_, source_.has_value() ? &*source_ : nullptr);
    if (!idle.fd.valid()) return Close(idle, ErrnoName(errno));
    loop_.Watch(idle.fd.get(), EPOLLOUT, [this, &idle](uint32_t) {
      Advance(idle);
      Continue();
    });
  }

  void Advance(Idle& idle) {
    if (idle.sent > 0) return Receive(idle);
    if (const int error = TakeError(idle.fd.get())) return Close(idle, ErrnoName(error));
    loop_.Change(idle.fd.get(), EPOLLIN);
    Send(idle);
  }

  void Send(Idle& idle) {
    const uint64_t end = rounds_ * options_.message_bytes;
    while (idle.sent < end) {
      const std::string_view bytes = idle.pattern.At(idle.sent).substr(0, end - idle.sent);
      const ssize_t sent = send(idle.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      // EAGAIN too: a connection that was silent has room for a message.
      if (sent < 0) return Close(idle, ErrnoName(errno));
      idle.sent += static_cast<uint64_t>(sent);
    }
  }

  void Receive(Idle& idle) {
    std::array<char, kMaxMessageBytes> buffer;
    const ssize_t got = recv(idle.fd.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return Close(idle, got < 0 ? ErrnoName(errno) : "closed");
    const std::string_view data(buffer.data(), static_cast<size_t>(got));
    if (!idle.pattern.Matches(idle.received, data)) return Close(idle, "mismatch");
    idle.received += data.size();
    if (idle.received > idle.sent) return Close(idle, "mismatch");
    if (!idle.under_way || idle.received < idle.sent) return;
    ++echoed_;
    Done(idle);
  }

  void Done(Idle& idle) {
    if (!idle.under_way) return;
    idle.under_way = false;
    --under_way_;
  }

  void Close(Idle& idle, const std::string& how) {
    ++ended_[how];
    --open_;
    Done(idle);
    if (!idle.fd.valid()) return;
    loop_.Forget(idle.fd.get());
    idle.fd.Reset();
  }

  EventLoop& loop_;
  const Options options_;
  const SocketAddress target_;
  std::optional<SocketAddress> source_;
  std::vector<Idle> all_;
  size_t next_ = 0;  // The first that this round has not come to.
  uint64_t under_way_ = 0;
  uint64_t rounds_ = 0;
  uint64_t open_ = 0;
  uint64_t echoed_ = 0;
  Counts ended_;
};

IdleLoad::IdleLoad(EventLoop& loop, const Options& options)
    : impl_(std::make_unique<Impl>(loop, options)) {}

IdleLoad::~IdleLoad() = default;

void IdleLoad::Start() { impl_->Start(); }

void IdleLoad::Finish() { impl_->Finish(); }

}  // namespace lb::testpeer
