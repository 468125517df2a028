#include "dataplane/forward/io_thread.h"

#include <pthread.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "dataplane/forward/connection.h"

namespace lb::dataplane {
namespace {

namespace asio = boost::asio;

constexpr int kMaxEvents = 256;  // Of one batch; posted work gets its turn between batches.

}  // namespace

class IoThread::Loop final {
 public:
  Loop(const Options& options, int epoll_fd)
      : index_(options.index),
        work_(io_.get_executor()),
        epoll_(io_, epoll_fd),
        tick_(io_),
        context_(options.index, epoll_fd, *options.open, std::chrono::steady_clock::now()),
        listeners_(context_, options.seed) {
    AwaitEvents();
  }

  // Throws std::system_error when there is no thread to have.
  void StartThread() {
    thread_ = std::thread([this] { Run(); });
  }

  void Post(Work work) {
    asio::post(io_, [this, work = std::move(work)] {
      context_.now = std::chrono::steady_clock::now();
      work(Parts{context_, listeners_});
      EndTurn();
    });
  }

  void StopAndJoin() {
    if (!thread_.joinable()) return;
    Post([this](Parts parts) {
      parts.listeners.Clear();
      Connection::CloseAll(parts.context, CloseReason::kDrain);
      io_.stop();
    });
    thread_.join();
  }

  const AcceptErrors& accept_errors() const { return listeners_.accept_errors(); }

 private:
  void Run() {
    const std::string name = absl::StrCat("lb-io-", index_);
    pthread_setname_np(pthread_self(), name.c_str());  // Only for people; it may stay unnamed.
    io_.run();
  }

  void AwaitEvents() {
    if (std::exchange(awaiting_, true)) return;
    epoll_.async_wait(asio::posix::stream_descriptor::wait_read,
                      [this](const boost::system::error_code& error) {
                        awaiting_ = false;
                        if (error != asio::error::operation_aborted) RunBatch();
                      });
  }

  void RunBatch() {
    context_.now = std::chrono::steady_clock::now();
    std::array<epoll_event, kMaxEvents> events;
    const int count = epoll_wait(context_.epoll_fd, events.data(), kMaxEvents, 0);
    LB_CHECK(count >= 0 || errno == EINTR);
    for (int i = 0; i < count; ++i) Dispatch(events[static_cast<size_t>(i)]);
    RunAgain();
    EndTurn();
  }

  void Dispatch(const epoll_event& event) {
    auto* source = static_cast<EventSource*>(event.data.ptr);
    if (source->kind == EventSource::Kind::kListener)
      return listeners_.OnReadable(*static_cast<Listener*>(source));
    Side& side = *static_cast<Side*>(source);
    side.owner->OnEvents(side, event.events);
  }

  void RunAgain() {
    const std::vector<Connection*> connections = std::exchange(context_.run_again, {});
    for (Connection* connection : connections) connection->OnRunAgain();
  }

  // After every turn: frees what was closed and sees to it that there will be a next one.
  void EndTurn() {
    Connection::DestroyClosed(context_);
    ScheduleTick();
    if (context_.run_again.empty()) return AwaitEvents();
    if (std::exchange(posted_, true)) return;
    asio::post(io_, [this] {
      posted_ = false;
      RunBatch();
    });
  }

  void ScheduleTick() {
    const std::optional<Instant> wake = context_.timers.NextWake();
    if (!wake.has_value() || (scheduled_.has_value() && *scheduled_ <= *wake)) return;
    scheduled_ = wake;
    tick_.expires_at(*wake);
    tick_.async_wait([this](const boost::system::error_code& error) {
      if (error == asio::error::operation_aborted) return;
      OnTick();
    });
  }

  void OnTick() {
    scheduled_.reset();
    context_.now = std::chrono::steady_clock::now();
    context_.timers.Advance(context_.now, [this](Timer& timer) {
      if (listeners_.Owns(timer))
        listeners_.OnTimer();
      else
        Connection::Of(timer).OnTimer();
    });
    EndTurn();
  }

  const size_t index_;
  asio::io_context io_{1};  // One thread runs it: less locking inside.
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::posix::stream_descriptor epoll_;
  asio::steady_timer tick_;
  std::optional<Instant> scheduled_;  // When the tick is due.
  bool awaiting_ = false;
  bool posted_ = false;
  ThreadContext context_;
  ListenerSet listeners_;
  std::thread thread_;
};

absl::StatusOr<std::unique_ptr<IoThread>> IoThread::Start(Options options) {
  LB_CHECK(options.open != nullptr);
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0)
    return absl::InternalError(absl::StrCat("epoll_create1: ", std::strerror(errno)));
  try {
    auto loop = std::make_unique<Loop>(options, epoll_fd);
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
