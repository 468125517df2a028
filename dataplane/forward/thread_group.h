// What the I/O threads of one worker share: how many connections each has, how many all may have,
// and where to post work for each.
//
// The kernel spreads connections over the threads' listening sockets by hash, which is uneven when
// they are few or live long. So a thread that accepted one hands it to a thread that has clearly
// fewer. Threading: thread-safe; the members never change.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "dataplane/forward/inbox.h"

namespace lb::dataplane {

class ThreadGroup final {
 public:
  // Threads that are looked at for each accepted connection; with more, other ones each time.
  static constexpr size_t kMaxLooks = 8;

  // Internal: the system gives no eventfd.
  static absl::StatusOr<std::shared_ptr<ThreadGroup>> Make(size_t threads);

  size_t size() const { return members_.size(); }
  Inbox& inbox(size_t thread) { return *members_[thread].inbox; }
  // For who may post after the thread has ended.
  const std::shared_ptr<Inbox>& shared_inbox(size_t thread) { return members_[thread].inbox; }

  // The most client connections of all threads together.
  void SetMaxConnections(uint64_t max) { max_.store(max, std::memory_order_relaxed); }

  // Counts one more connection accepted by `thread`; false when that would be too many.
  [[nodiscard]] bool Admit(size_t thread);
  // Says who should have a connection just admitted by `thread`, and counts it there.
  size_t Place(size_t thread);
  // One of `thread`'s connections has ended.
  void Leave(size_t thread);

  // Open now.
  uint64_t connections() const { return open_.load(std::memory_order_relaxed); }
  uint64_t connections(size_t thread) const {
    return members_[thread].connections.load(std::memory_order_relaxed);
  }

 private:
  struct alignas(64) Member {
    std::shared_ptr<Inbox> inbox;
    std::atomic<uint64_t> connections{0};
  };

  explicit ThreadGroup(size_t threads) : members_(threads) {}

  std::vector<Member> members_;
  std::atomic<uint64_t> max_{0};
  alignas(64) std::atomic<uint64_t> open_{0};
};

}  // namespace lb::dataplane
