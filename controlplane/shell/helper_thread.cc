#include "controlplane/shell/helper_thread.h"

#include <utility>

namespace lb::controlplane {

HelperThread::HelperThread() : thread_([this] { Loop(); }) {}

HelperThread::~HelperThread() { Stop(); }

void HelperThread::Post(Work work) {
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    first_.push_back(std::move(work));
  }
  changed_.notify_one();
}

void HelperThread::PostLater(Work work) {
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    later_.push_back(std::move(work));
  }
  changed_.notify_one();
}

void HelperThread::Stop() {
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    stopping_ = true;
    later_.clear();
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void HelperThread::Loop() {
  std::unique_lock<std::mutex> guard(mutex_);
  while (true) {
    changed_.wait(guard, [this] { return stopping_ || !first_.empty() || !later_.empty(); });
    std::deque<Work>& queue = first_.empty() ? later_ : first_;
    if (queue.empty()) return;
    {
      const Work work = std::move(queue.front());
      queue.pop_front();
      guard.unlock();
      work();
    }
    guard.lock();
  }
}

}  // namespace lb::controlplane
