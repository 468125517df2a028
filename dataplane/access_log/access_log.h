// The access log of a worker: a ring for each I/O thread, and a thread of its own that makes lines
// of their records and writes them.
//
// Whatever becomes of the destination (a full disk, a pipe that nobody reads, a folder that is
// gone), the I/O threads never wait: lines are dropped and counted, and the destination is tried
// again every kRetry. A file that was moved away is opened anew within kRetry.
// Threading: the control thread, but for the rings; made before the I/O threads, destroyed after.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "dataplane/access_log/log_sink.h"
#include "dataplane/access_log/record_ring.h"

namespace lb::dataplane {

class AccessLog final {
 public:
  using Clock = ClockReading (*)();

  // Between two looks at the rings while the log is on.
  static constexpr std::chrono::milliseconds kTurn{20};
  static constexpr std::chrono::seconds kRetry{1};
  // Formatted and not yet taken by the destination.
  static constexpr size_t kMaxPendingBytes = 256 * 1024;

  struct Options {
    std::string worker;  // Its id, in every line.
    size_t threads = 1;  // I/O threads.
    uint64_t seed = 0;   // Of the lines' ids.
    Clock clock = ReadClocks;
  };
  explicit AccessLog(Options options);
  // Writes what it can without waiting.
  ~AccessLog();

  RecordRing& ring(size_t thread) { return rings_[thread]; }

  // "stdout", "stderr" or an absolute path; empty: off. What was logged before still goes to the
  // destination before.
  void SetDestination(const std::string& destination);
  // Opens the file anew, soon.
  void Reopen();

  // Lines that were written, and those that were not. Thread-safe.
  uint64_t lines() const { return lines_.load(std::memory_order_relaxed); }
  uint64_t dropped() const;
  // Why lines cannot be written now; empty: the last ones could, or there were none since the
  // destination was set. Thread-safe.
  std::string error() const;

 private:
  // What the writer is asked to do next.
  struct Orders {
    std::string destination;
    bool reopen = false;
    bool stop = false;
  };

  void Run();
  Orders NextOrders();
  void WriteAll(Instant now);
  bool Fill(const ClockReading& clocks);
  bool Flush();
  bool OpenSink(Instant now);
  void CheckMoved(Instant now);
  void Close();
  void DropPending();
  void Complain(const absl::Status& status);
  void SetError(std::string error);

  const Options options_;
  std::vector<RecordRing> rings_;
  std::atomic<uint64_t> lines_{0};
  std::atomic<uint64_t> dropped_{0};  // By the writer; the rings count their own.

  mutable std::mutex mutex_;
  std::condition_variable woken_;
  Orders orders_;         // Guarded by mutex_.
  bool ordered_ = false;  // Guarded by mutex_: orders_ are new.
  std::string error_;     // Guarded by mutex_.

  // The writer's own.
  std::string destination_;
  std::optional<LogSink> sink_;
  Instant tried_at_ = Instant::min();
  Prng ids_;
  std::string pending_;
  bool cut_ = false;  // The last byte written is not the end of a line, and the rest is dropped.
  bool complained_ = false;

  std::thread thread_;  // From the first destination on.
};

}  // namespace lb::dataplane
