#include "dataplane/limit/wait_queue.h"

#include <utility>

#include "base/check.h"

namespace lb::dataplane {

std::optional<WaitQueue::Place> WaitQueue::Enter(uint64_t max, Call call) {
  const MutexLock lock(mutex_);
  if (waiting() >= max) return std::nullopt;
  const Place place = next_++;
  line_.emplace(place, std::move(call));
  waiting_.fetch_add(1, std::memory_order_seq_cst);
  return place;
}

bool WaitQueue::EnterAgain(Place place, uint64_t max, Call call) {
  const MutexLock lock(mutex_);
  if (waiting() >= max) return false;
  LB_CHECK(place < next_ && line_.emplace(place, std::move(call)).second);
  waiting_.fetch_add(1, std::memory_order_seq_cst);
  return true;
}

void WaitQueue::Return(Place place, Call call) {
  const MutexLock lock(mutex_);
  LB_CHECK(place < next_ && line_.emplace(place, std::move(call)).second);
}

bool WaitQueue::Leave(Place place) {
  const MutexLock lock(mutex_);
  const bool called = line_.erase(place) == 0;
  LB_CHECK(waiting_.fetch_sub(1, std::memory_order_seq_cst) > 0);
  return called;
}

void WaitQueue::CallNext() {
  if (waiting() > 0) CallFrom(0);
}

void WaitQueue::CallBehind(Place place) { CallFrom(place + 1); }

void WaitQueue::CallAt(Place place) {
  Call call;
  {
    const MutexLock lock(mutex_);
    auto one = line_.extract(place);
    if (one.empty()) return;
    call = std::move(one.mapped());
  }
  call();
}

void WaitQueue::CallAll() {
  if (waiting() == 0) return;
  std::map<Place, Call> line;
  {
    const MutexLock lock(mutex_);
    line.swap(line_);
  }
  for (const auto& [place, call] : line) call();
}

void WaitQueue::CallFrom(Place first) {
  Call call;
  {
    const MutexLock lock(mutex_);
    const auto next = line_.lower_bound(first);
    if (next == line_.end()) return;
    call = std::move(next->second);
    line_.erase(next);
  }
  call();
}

}  // namespace lb::dataplane
