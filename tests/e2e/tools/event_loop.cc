#include "tests/e2e/tools/event_loop.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace lb::testpeer {
namespace {

constexpr int kEventsPerWait = 256;

Instant ReadClock() { return ReadClocks().steady; }

UniqueFd MakeSignalFd() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  LB_CHECK(sigprocmask(SIG_BLOCK, &set, nullptr) == 0);
  return UniqueFd(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
}

// A descriptor's number is reused at once; the generation tells a stale event from a fresh one.
uint64_t Token(int fd, uint32_t generation) {
  return (static_cast<uint64_t>(generation) << 32) | static_cast<uint32_t>(fd);
}

}  // namespace

EventLoop::EventLoop()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)), signals_(MakeSignalFd()), now_(ReadClock()) {
  LB_CHECK(epoll_.valid());
  LB_CHECK(signals_.valid());
}

void EventLoop::Watch(int fd, uint32_t events, IoHandler handler) {
  const uint32_t generation = next_generation_++;
  epoll_event event{};
  event.events = events;
  event.data.u64 = Token(fd, generation);
  LB_CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
  entries_[fd] = {generation, std::make_shared<IoHandler>(std::move(handler))};
}

void EventLoop::Change(int fd, uint32_t events) {
  const auto entry = entries_.find(fd);
  LB_CHECK(entry != entries_.end());
  epoll_event event{};
  event.events = events;
  event.data.u64 = Token(fd, entry->second.generation);
  LB_CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
}

void EventLoop::Forget(int fd) {
  LB_CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr) == 0);
  entries_.erase(fd);
}

void EventLoop::After(Duration delay, Task task) { tasks_.emplace(now_ + delay, std::move(task)); }

int EventLoop::WaitMs() const {
  if (tasks_.empty()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(tasks_.begin()->first - now_);
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1'000));
}

void EventLoop::Dispatch(uint64_t token, uint32_t events) {
  const int fd = static_cast<int>(static_cast<uint32_t>(token));
  const auto entry = entries_.find(fd);
  if (entry == entries_.end()) return;
  if (entry->second.generation != static_cast<uint32_t>(token >> 32)) return;
  const std::shared_ptr<IoHandler> handler = entry->second.handler;  // May Forget() itself.
  (*handler)(events);
}

void EventLoop::RunDueTasks() {
  while (!tasks_.empty() && tasks_.begin()->first <= now_ && !stopped_) {
    const Task task = std::move(tasks_.begin()->second);
    tasks_.erase(tasks_.begin());
    task();
  }
}

void EventLoop::Run(Task on_signal) {
  Watch(signals_.get(), EPOLLIN, [this, &on_signal](uint32_t) {
    signalfd_siginfo info;
    while (read(signals_.get(), &info, sizeof(info)) == sizeof(info)) on_signal();
  });
  std::array<epoll_event, kEventsPerWait> events;
  while (!stopped_) {
    const int count = epoll_wait(epoll_.get(), events.data(), kEventsPerWait, WaitMs());
    now_ = ReadClock();
    for (int i = 0; i < count && !stopped_; ++i) {
      Dispatch(events[static_cast<size_t>(i)].data.u64, events[static_cast<size_t>(i)].events);
    }
    RunDueTasks();
  }
  Forget(signals_.get());
}

}  // namespace lb::testpeer
