#include "controlplane/shell/process_watch.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <map>
#include <optional>
#include <utility>

#include "base/unique_fd.h"
#include "controlplane/shell/process_start.h"

namespace lb::controlplane {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// A process: its pid and when it started (0: not known).
using Process = std::pair<uint32_t, uint64_t>;

}  // namespace

class ProcessWatch::Impl final : public std::enable_shared_from_this<ProcessWatch::Impl> {
 public:
  Impl(asio::io_context& io, size_t max_descriptors, EventSink sink)
      : io_(io),
        max_descriptors_(std::min(max_descriptors, kMaxDescriptors)),
        sink_(std::move(sink)),
        timer_(io) {}

  void Watch(const WatchProcess& watch) {
    const Process process(watch.pid, watch.start_ticks);
    if (by_descriptor_.contains(process) || by_start_time_.contains(process)) return;
    if (by_descriptor_.size() >= max_descriptors_) return Poll(process);
    UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(watch.pid), 0)));
    // EINVAL is pid 0 or above INT_MAX: no process has it.
    if (!fd.valid() && (errno == ESRCH || errno == EINVAL)) return Gone(process);
    if (!fd.valid()) return Poll(process);
    // Behind the open: if it is the right process now, it was then.
    if (const auto now = StartTicksOf(watch.pid); now && IsAnother(process, *now))
      return Gone(process);
    auto& descriptor = by_descriptor_[process];
    descriptor = std::make_unique<asio::posix::stream_descriptor>(io_, fd.Release());
    descriptor->async_wait(asio::posix::descriptor_base::wait_read,
                           [weak = weak_from_this(), process](const error_code& error) {
                             auto self = weak.lock();
                             if (error || self == nullptr) return;
                             self->by_descriptor_.erase(process);
                             self->Gone(process);
                           });
  }

 private:
  static bool IsAnother(const Process& process, uint64_t start_ticks) {
    return process.second != 0 && process.second != start_ticks;
  }

  void Gone(const Process& process) { sink_(ProcessGone{process.first, process.second}); }

  void Poll(const Process& process) {
    const std::optional<uint64_t> now = StartTicksOf(process.first);
    if (!now || IsAnother(process, *now)) return Gone(process);
    by_start_time_[process] = *now;
    if (by_start_time_.size() == 1) SetTimer();
  }

  void SetTimer() {
    timer_.expires_after(kPollInterval);
    timer_.async_wait([weak = weak_from_this()](const error_code& error) {
      auto self = weak.lock();
      if (!error && self != nullptr) self->LookAtAll();
    });
  }

  void LookAtAll() {
    for (auto entry = by_start_time_.begin(); entry != by_start_time_.end();) {
      if (StartTicksOf(entry->first.first) == entry->second) {
        ++entry;
        continue;
      }
      Gone(entry->first);
      entry = by_start_time_.erase(entry);
    }
    if (!by_start_time_.empty()) SetTimer();
  }

  asio::io_context& io_;
  const size_t max_descriptors_;
  EventSink sink_;
  asio::steady_timer timer_;
  // Both are bounded by the sessions the worker service lets in.
  std::map<Process, std::unique_ptr<asio::posix::stream_descriptor>> by_descriptor_;
  std::map<Process, uint64_t> by_start_time_;
};

ProcessWatch::ProcessWatch(asio::io_context& io, size_t max_descriptors, EventSink sink)
    : impl_(std::make_shared<Impl>(io, max_descriptors, std::move(sink))) {}

ProcessWatch::~ProcessWatch() = default;

void ProcessWatch::Watch(const WatchProcess& watch) { impl_->Watch(watch); }

}  // namespace lb::controlplane
