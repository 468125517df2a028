#include "dataplane/forward/thread_group.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/unique_fd.h"

namespace lb::dataplane {
namespace {

// How many more connections than another thread one may have before it hands over. Few: a fixed
// number, because handing over wakes the other thread and short connections come and go anyway.
// Many: a twentieth, which keeps all within a tenth of the mean.
uint64_t Slack(uint64_t fewest) { return 4 + fewest / 20; }

}  // namespace

absl::StatusOr<std::shared_ptr<ThreadGroup>> ThreadGroup::Make(size_t threads) {
  std::shared_ptr<ThreadGroup> group(new ThreadGroup(threads));
  for (Member& member : group->members_) {
    UniqueFd event_fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!event_fd.valid())
      return absl::InternalError(absl::StrCat("eventfd: ", std::strerror(errno)));
    member.inbox = std::make_shared<Inbox>(std::move(event_fd));
  }
  return group;
}

bool ThreadGroup::Admit(size_t thread) {
  if (open_.fetch_add(1, std::memory_order_relaxed) >= max_.load(std::memory_order_relaxed)) {
    open_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  members_[thread].connections.fetch_add(1, std::memory_order_relaxed);
  return true;
}

size_t ThreadGroup::Place(size_t thread) {
  const uint64_t own = connections(thread);
  const size_t looks = std::min(members_.size() - 1, kMaxLooks);
  size_t fewest = thread;
  for (size_t i = 0; i < looks; ++i) {
    // The own count grows with each connection, so the first one looked at moves on.
    const size_t other = (thread + 1 + (own + i) % (members_.size() - 1)) % members_.size();
    if (connections(other) < connections(fewest)) fewest = other;
  }
  if (fewest == thread || own <= connections(fewest) + Slack(connections(fewest))) return thread;
  members_[thread].connections.fetch_sub(1, std::memory_order_relaxed);
  members_[fewest].connections.fetch_add(1, std::memory_order_relaxed);
  return fewest;
}

void ThreadGroup::Leave(size_t thread) {
  members_[thread].connections.fetch_sub(1, std::memory_order_relaxed);
  open_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace lb::dataplane
