// One listening socket of one I/O thread. It is level-triggered: what is not accepted in this turn
// of the loop is told again in the next. Threading: its I/O thread only.
#pragma once

#include <cstdint>
#include <utility>

#include "base/unique_fd.h"
#include "dataplane/forward/accept_errors.h"
#include "dataplane/forward/listening_socket.h"
#include "dataplane/forward/side.h"
#include "dataplane/forward/thread_context.h"
#include "dataplane/forward/thread_rule.h"

namespace lb::dataplane {

class Listener final : public EventSource {
 public:
  // Accepted in one turn, so that a burst of clients does not keep the others waiting.
  static constexpr int kMaxBatch = 64;

  enum class Accepted : uint8_t {
    kAll,    // Nobody waits any more.
    kSome,   // The batch is full.
    kPause,  // Descriptors or memory ran out: try again later.
  };

  Listener(SharedFd fd, RuleLease rule)
      : EventSource(Kind::kListener), fd_(std::move(fd)), rule_(std::move(rule)) {}
  // Tells the epoll set to forget the socket: one that another process has too stays open, and
  // would be told of for ever (epoll(7)).
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  const SharedFd& fd() const { return fd_; }

  // Connections accepted from now on belong to `rule`.
  void SetRule(RuleLease rule) { rule_ = std::move(rule); }

  // Lets the epoll set, always the same one, tell of clients. Returns 0 or an errno.
  int Resume(int epoll_fd);
  // Lets them wait in the socket's queue.
  void Pause(int epoll_fd);

  // Accepts up to kMaxBatch connections.
  Accepted AcceptBatch(ThreadContext& context, AcceptErrors& errors);
  // Accepts what waits, before closing.
  void AcceptWaiting(ThreadContext& context, AcceptErrors& errors);

 private:
  int Control(int epoll_fd, uint32_t events);
  // Starts the connection here or on a thread that has fewer, or refuses it, early, at a limit.
  void Admit(ThreadContext& context, UniqueFd client);
  static bool TakeRuleSlot(const RuleTable& table);
  void Refuse(const ThreadContext& context, UniqueFd client, RefuseReason reason);

  const SharedFd fd_;
  RuleLease rule_;
  int epoll_fd_ = -1;  // The epoll set it is in.
};

}  // namespace lb::dataplane
