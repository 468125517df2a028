// Bytes of the answers that wait for slow readers of streams, all streams together.
//
// An answer that several streams are to be sent counts once, as it is there once. Thread-safe.
#pragma once

#include <cstddef>
#include <map>

#include "base/mutex.h"
#include "google/protobuf/message.h"

namespace lb::controlplane {

class StreamBudget final {
 public:
  static constexpr size_t kMaxBytes = 128u << 20;

  // An answer that is there until Give has been called as often. False when there is no room for
  // it; then Give must not be called.
  [[nodiscard]] bool Take(const google::protobuf::Message* answer, size_t bytes) {
    const MutexLock lock(mutex_);
    Held& held = held_[answer];
    if (held.streams == 0) {
      if (bytes_ + bytes > kMaxBytes) {
        held_.erase(answer);
        return false;
      }
      held.bytes = bytes;
      bytes_ += bytes;
    }
    ++held.streams;
    return true;
  }

  void Give(const google::protobuf::Message* answer) {
    const MutexLock lock(mutex_);
    const auto held = held_.find(answer);
    if (--held->second.streams > 0) return;
    bytes_ -= held->second.bytes;
    held_.erase(held);
  }

  size_t bytes() {
    const MutexLock lock(mutex_);
    return bytes_;
  }

 private:
  struct Held {
    size_t streams = 0;
    size_t bytes = 0;
  };

  Mutex mutex_;
  std::map<const google::protobuf::Message*, Held> held_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace lb::controlplane
