// Those who wait for a backend's slot, first come, first called, over all I/O threads of a worker.
//
// Whoever frees a slot calls the first in line, and only that one: it takes the slot and, when more
// are free, calls the next; when it may not use what is free, it calls the one behind it. Until it
// has said that it succeeded or given up it still counts as waiting, so that nobody who comes later
// is served before it.
//
// No wake-up is lost: the one who waits enters the line first and looks for a free slot after that;
// the one who frees a slot gives it back first and looks for somebody waiting after that. Both
// sides use sequentially consistent atomics (Slots::Return, Slots::HasFree, waiting()), so at least
// one of them sees the other.
// Thread-safe. Calls are made without the lock held, on the thread that frees the slot.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "base/mutex.h"

namespace lb::dataplane {

class WaitQueue final {
 public:
  // Tells the one who waits to try; must only hand the word over (post it to another thread).
  using Call = std::function<void()>;
  // A place in line; smaller is earlier.
  using Place = uint64_t;

  // Enters the line at its end; nullopt when `max` wait already.
  std::optional<Place> Enter(uint64_t max, Call call);
  // Enters at the place it had before, so that it is not behind those who came later; false when
  // `max` wait already.
  bool EnterAgain(Place place, uint64_t max, Call call);
  // Goes back to the same place after a call that found no slot.
  void Return(Place place, Call call);
  // Leaves for good: served, given up, or gone. True when it had been called, which the leaver
  // must make up for by CallNext() unless it took what it was called for.
  bool Leave(Place place);

  // Calls the first in line, if there is one. Cheap when nobody waits.
  void CallNext();
  // Calls the first in line behind `place`: for who was called, is back in line, and leaves a slot
  // that it may not use to the others.
  void CallBehind(Place place);
  // Calls the one at `place`, unless it was called already.
  void CallAt(Place place);
  // Calls all, first come, first called: for news that is about more than one slot.
  void CallAll();

  // How many have entered and not left.
  uint64_t waiting() const { return waiting_.load(std::memory_order_seq_cst); }

 private:
  void CallFrom(Place first);

  std::atomic<uint64_t> waiting_{0};
  Mutex mutex_;
  Place next_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<Place, Call> line_ ABSL_GUARDED_BY(mutex_);  // Not called yet.
};

}  // namespace lb::dataplane
