#include "dataplane/forward/connection_walk.h"

#include <utility>

#include "dataplane/forward/connection.h"
#include "dataplane/forward/io_thread.h"

namespace lb::dataplane {

ConnectionWalk::ConnectionWalk(Task task, ConnectionFilter filter, size_t limit, size_t threads)
    : task_(task),
      filter_(std::move(filter)),
      limit_(limit),
      places_(threads),
      threads_left_(threads) {}

std::vector<ConnectionInfo> ConnectionWalk::TakeFound() {
  const MutexLock lock(mutex_);
  return std::exchange(found_, {});
}

void ConnectionWalk::Run(ThreadContext& context) {
  Place& place = places_[context.thread];
  if (!std::exchange(place.begun, true)) {
    place.next = context.first;
    context.walks.push_back(shared_from_this());
  }
  if (!place.done && !place.posted) Step(context, place);
}

void ConnectionWalk::OnLeaving(const ThreadContext& context, const Connection* connection,
                               Connection* next) {
  Place& place = places_[context.thread];
  if (place.next == connection) place.next = next;
}

void ConnectionWalk::Step(ThreadContext& context, Place& place) {
  const uint64_t killed = place.killed;
  for (int i = 0; i < kVisits && place.next != nullptr && !stopped_.load(); ++i) {
    if (place.killed - killed >= kKills) break;
    if (!Visit(*place.next, place)) return;
  }
  if (place.next == nullptr || stopped_.load()) return Finish(context, place);
  place.posted = true;
  context.group.inbox(context.thread).Post([self = shared_from_this()](ThreadParts parts) {
    Place& at = self->places_[parts.context.thread];
    at.posted = false;
    self->Step(parts.context, at);
  });
}

// Steps past the connection; false when it has to wait for Allow.
bool ConnectionWalk::Visit(Connection& connection, Place& place) {
  if (!connection.Matches(filter_)) {
    place.next = connection.next();
    return true;
  }
  if (task_ == Task::kKill && !MayKill()) return false;
  const uint64_t before = matching_.fetch_add(1);
  place.next = connection.next();
  if (task_ == Task::kKill) {
    ++place.killed;
    connection.Kill(filter_.drain == 0 ? CloseReason::kKilled : CloseReason::kDrain);
  } else if (before < limit_) {
    ConnectionInfo info = connection.Describe();
    const MutexLock lock(mutex_);
    found_.push_back(std::move(info));
  }
  return true;
}

bool ConnectionWalk::MayKill() {
  if (allowed_.fetch_sub(1) > 0) return true;
  allowed_.fetch_add(1);
  return false;
}

void ConnectionWalk::Finish(ThreadContext& context, Place& place) {
  place.done = true;
  const auto self = shared_from_this();
  std::erase(context.walks, self);
  threads_left_.fetch_sub(1);
}

}  // namespace lb::dataplane
