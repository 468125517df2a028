#include "dataplane/forward/pipe_pool.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "base/check.h"

namespace lb::dataplane {

std::unique_ptr<Pipe> PipePool::Borrow(Instant now) {
  if (!free_.empty()) {
    std::unique_ptr<Pipe> pipe = std::move(free_.back());
    free_.pop_back();
    return pipe;
  }
  if (open_ >= max_pipes_ || now < refused_until_) return nullptr;
  std::unique_ptr<Pipe> pipe = Make();
  if (pipe == nullptr)
    refused_until_ = now + kRetryAfter;
  else
    ++open_;
  return pipe;
}

void PipePool::Return(std::unique_ptr<Pipe> pipe) {
  LB_CHECK(pipe != nullptr && open_ > 0);
  if (pipe->bytes == 0)
    free_.push_back(std::move(pipe));
  else
    --open_;
}

std::unique_ptr<Pipe> PipePool::Make() {
  int ends[2];
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return nullptr;
  auto pipe = std::make_unique<Pipe>();
  pipe->read.Reset(ends[0]);
  pipe->write.Reset(ends[1]);
  // fcntl(2): refused beyond fs.pipe-max-size or the user's limit; the size there is may do.
  int bytes = fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes);
  if (bytes < 0) bytes = fcntl(ends[1], F_GETPIPE_SZ);
  return bytes >= kMinPipeBytes ? std::move(pipe) : nullptr;
}

}  // namespace lb::dataplane
