#include "dataplane/forward/io_thread.h"

#include <pthread.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/system_calls.h"
#include "base/unique_fd.h"
#include "dataplane/forward/connection.h"
#include "dataplane/forward/throttle.h"

namespace lb::dataplane {
namespace {

constexpr int kMaxEvents = 256;  // Of one turn; then timers and closed connections get theirs.

// The longest wait; only so that a sum of milliseconds always fits epoll_wait's int.
constexpr std::chrono::milliseconds kMaxWait{60'000};

}  // namespace

class IoThread::Loop final {
 public:
  Loop(const Options& options, UniqueFd epoll)
      : index_(options.index),
        epoll_(std::move(epoll)),
        group_(options.group),
        inbox_(group_->inbox(index_)),
        context_(options.index, epoll_.get(), *group_, *options.access_ring, options.max_pipes,
                 std::chrono::steady_clock::now()),
        listeners_(context_, options.seed) {}

  // Throws std::system_error when there is no thread to have.
  void StartThread() {
    if (const int error = inbox_.Watch(epoll_.get()); error != 0)
      throw std::system_error(error, std::system_category());
    thread_ = std::thread([this] { Run(); });
  }

  void Post(Work work) { inbox_.Post(std::move(work)); }

  void StopAndJoin() {
    if (!thread_.joinable()) return;
    Post([this](ThreadParts parts) {
      parts.listeners.Clear();
      Connection::CloseAll(parts.context, CloseReason::kDrain);
      stopped_ = true;
    });
    thread_.join();
  }

  const AcceptErrors& accept_errors() const { return listeners_.accept_errors(); }

 private:
  void Run() {
    const std::string name = absl::StrCat("lb-io-", index_);
    pthread_setname_np(pthread_self(), name.c_str());  // Only for people; it may stay unnamed.
    // Signals are the control thread's. splice(2) to a closed socket raises SIGPIPE in this one.
    sigset_t all;
    sigfillset(&all);
    LB_CHECK(pthread_sigmask(SIG_BLOCK, &all, nullptr) == 0);
    // From the start, so that it is not one descriptor more later; without it, accepting waits.
    context_.KeepSpare();
    while (!stopped_) Turn();
  }

  // Waits, then does what there is to do: sockets, posted work, postponed connections, timers.
  void Turn() {
    const std::optional<Instant> wake = NextWake();
    std::array<epoll_event, kMaxEvents> events;
    const int count = raw::EpollWait(epoll_.get(), events.data(), kMaxEvents, WaitMs(wake));
    LB_CHECK(count >= 0 || errno == EINTR);
    context_.now = std::chrono::steady_clock::now();
    // Only those of before: what they postpone again waits for the sockets' next turn.
    const std::vector<Connection*> again = std::exchange(context_.run_again, {});
    for (int i = 0; i < count; ++i) Dispatch(events[static_cast<size_t>(i)]);
    for (Connection* connection : again) connection->OnRunAgain();
    // After the sockets: it may take away a listener that an event of this turn names.
    if (std::exchange(work_waits_, false)) RunWork();
    if (wake.has_value() && *wake <= context_.now) FireTimers();
    context_.handshakes.RunSome(std::chrono::steady_clock::now);
    Connection::DestroyClosed(context_);
  }

  std::optional<Instant> NextWake() const {
    const std::optional<Instant> timer = context_.timers.NextWake();
    const std::optional<Instant> pace = context_.pace_timers.NextWake();
    if (!timer.has_value() || !pace.has_value()) return timer.has_value() ? timer : pace;
    return std::min(*timer, *pace);
  }

  // How long nothing has to be done, in milliseconds, rounded up; -1: for ever.
  int WaitMs(const std::optional<Instant>& wake) const {
    if (!context_.run_again.empty() || context_.handshakes.due()) return 0;
    if (!wake.has_value()) return -1;
    const auto wait =
        std::chrono::ceil<std::chrono::milliseconds>(*wake - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp(wait, std::chrono::milliseconds::zero(), kMaxWait).count());
  }

  void Dispatch(const epoll_event& event) {
    auto* source = static_cast<EventSource*>(event.data.ptr);
    switch (source->kind) {
      case EventSource::Kind::kSide: {
        Side& side = *static_cast<Side*>(source);
        return side.owner->OnEvents(side, event.events);
      }
      case EventSource::Kind::kListener:
        return listeners_.OnReadable(*static_cast<Listener*>(source));
      case EventSource::Kind::kInbox:
        work_waits_ = true;
    }
  }

  void RunWork() {
    for (const Work& work : inbox_.Take()) {
      // A connection that another thread handed over behind the stop would be closed by nobody.
      if (stopped_) return;
      work(ThreadParts{context_, listeners_});
    }
  }

  void FireTimers() {
    context_.timers.Advance(context_.now, [this](Timer& timer) {
      if (listeners_.Owns(timer))
        listeners_.OnTimer();
      else
        Connection::Of(timer).OnTimer();
    });
    context_.pace_timers.Advance(context_.now,
                                 [](Timer& timer) { Throttle::Of(timer).owner()->OnPaced(); });
  }

  const size_t index_;
  const UniqueFd epoll_;
  const std::shared_ptr<ThreadGroup> group_;
  Inbox& inbox_;
  bool work_waits_ = false;
  bool stopped_ = false;
  ThreadContext context_;
  ListenerSet listeners_;
  std::thread thread_;
};

absl::StatusOr<std::unique_ptr<IoThread>> IoThread::Start(Options options) {
  LB_CHECK(options.group != nullptr && options.index < options.group->size());
  LB_CHECK(options.access_ring != nullptr);
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid())
    return absl::InternalError(absl::StrCat("epoll_create1: ", std::strerror(errno)));
  try {
    auto loop = std::make_unique<Loop>(options, std::move(epoll));
    loop->StartThread();
    return std::unique_ptr<IoThread>(new IoThread(std::move(loop)));
  } catch (const std::system_error& error) {
    return absl::InternalError(absl::StrCat("I/O thread ", options.index, ": ", error.what()));
  }
}

IoThread::IoThread(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}

IoThread::~IoThread() { loop_->StopAndJoin(); }

void IoThread::Post(Work work) { loop_->Post(std::move(work)); }

const AcceptErrors& IoThread::accept_errors() const { return loop_->accept_errors(); }

}  // namespace lb::dataplane
