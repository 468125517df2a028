// Pipes that carry bulk data from socket to socket inside the kernel: splice(2).
//
// A direction of a connection borrows a pipe while bytes are moving or stuck in it, so a thread
// needs one pipe for all that flows and one more for each reader that is slow. Bounded: who gets
// none copies instead. Threading: its I/O thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/time.h"
#include "base/unique_fd.h"

namespace lb::dataplane {

struct Pipe {
  UniqueFd read;
  UniqueFd write;
  size_t bytes = 0;  // In the pipe now.
};

class PipePool final {
 public:
  // What is asked for each pipe. splice(2) moves packets, not bytes, so it is the pipe's slots, one
  // a page, that count; more than these were measured to gain nothing, fewer cost a third more.
  static constexpr int kPipeBytes = 256 * 1024;
  // With less than the default size, copying is cheaper. pipe(7): beyond the user's soft limit new
  // pipes have one or two pages.
  static constexpr int kMinPipeBytes = 64 * 1024;
  // After the system refused one, none is asked for during this time.
  static constexpr Duration kRetryAfter = std::chrono::seconds(1);

  // `max_pipes`: made at most; 0: none.
  explicit PipePool(size_t max_pipes) : max_pipes_(max_pipes) {}

  // An empty pipe, or nullptr when all are lent or the system gives none.
  std::unique_ptr<Pipe> Borrow(Instant now);
  // Takes a borrowed pipe back; one that holds bytes is closed, because they belong to nobody else.
  void Return(std::unique_ptr<Pipe> pipe);

  size_t open() const { return open_; }

 private:
  std::unique_ptr<Pipe> Make();

  const size_t max_pipes_;
  size_t open_ = 0;  // Lent and free.
  std::vector<std::unique_ptr<Pipe>> free_;
  Instant refused_until_{};
};

}  // namespace lb::dataplane
