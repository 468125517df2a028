// One thread for work that blocks, with two queues: what must be done, in order, and what may wait
// for all of that. The caller bounds how much it gives.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace lb::controlplane {

class HelperThread final {
 public:
  using Work = std::function<void()>;

  HelperThread();
  ~HelperThread();
  HelperThread(const HelperThread&) = delete;
  HelperThread& operator=(const HelperThread&) = delete;

  // Does it after what was posted before; PostLater only when nothing else is to be done. From any
  // thread.
  void Post(Work work);
  void PostLater(Work work);

  // Returns when all that was given to Post is done; what PostLater was given is dropped. Nothing
  // may be posted after that.
  void Stop();

 private:
  void Loop();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> first_;  // Guarded by mutex_, like those below.
  std::deque<Work> later_;
  bool stopping_ = false;
  std::thread thread_;  // Last: it uses all of the above.
};

}  // namespace lb::controlplane
