// A std::mutex that clang's thread safety analysis knows (-Wthread-safety; `--config=clang`), so
// that a field said to be guarded by it cannot be touched without it.
//
//   Mutex mutex_;
//   std::vector<int> numbers_ ABSL_GUARDED_BY(mutex_);
//   ...
//   const MutexLock lock(mutex_);
#pragma once

#include <mutex>

#include "absl/base/thread_annotations.h"

namespace lb {

class ABSL_LOCKABLE Mutex final {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

// Holds the mutex for its own life.
class ABSL_SCOPED_LOCKABLE MutexLock final {
 public:
  explicit MutexLock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace lb
