// The event loop of the test peers: level-triggered epoll, timers, and an end on SIGTERM or SIGINT.
//
// Made for load tools, where a std::function per event is cheap enough. Threading: one thread, one
// loop; nothing here is safe to call from another.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>

#include "base/time.h"
#include "base/unique_fd.h"

namespace lb::testpeer {

class EventLoop final {
 public:
  using IoHandler = std::function<void(uint32_t events)>;
  using Task = std::function<void()>;

  // Blocks SIGTERM and SIGINT for the process; Run() turns them into `on_signal`.
  EventLoop();

  // Calls `handler` with the epoll events of `fd` until Forget(fd).
  void Watch(int fd, uint32_t events, IoHandler handler);
  // Changes which events are wanted of a watched `fd`.
  void Change(int fd, uint32_t events);
  // Ends the watch; to be called before `fd` is closed.
  void Forget(int fd);

  // Calls `task` once, `delay` from now, after tasks that are due earlier.
  void After(Duration delay, Task task);

  // Runs until Stop(). `on_signal` is called for each SIGTERM or SIGINT.
  void Run(Task on_signal);
  void Stop() { stopped_ = true; }

  // When the events being handled were read.
  Instant now() const { return now_; }

 private:
  struct Entry {
    uint32_t generation;
    std::shared_ptr<IoHandler> handler;
  };

  int WaitMs() const;
  void Dispatch(uint64_t token, uint32_t events);
  void RunDueTasks();

  UniqueFd epoll_;
  UniqueFd signals_;
  std::unordered_map<int, Entry> entries_;
  uint32_t next_generation_ = 0;
  std::multimap<Instant, Task> tasks_;
  Instant now_;
  bool stopped_ = false;
};

}  // namespace lb::testpeer
