#include "controlplane/shell/process_watch.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "base/unique_fd.h"

namespace lb::controlplane {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// Returns the start time field of /proc/PID/stat, or nullopt when the process is gone or only a
// zombie. Source: proc(5); the name may hold spaces, so fields are counted from its last ')'.
std::optional<std::string> StartTimeOf(uint32_t pid) {
  constexpr int kFieldsBetween = 18;  // From the state (3) to the start time (22).
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  std::string field;
  fields >> field;
  if (field == "Z" || field == "X") return std::nullopt;
  for (int i = 0; i <= kFieldsBetween; ++i) fields >> field;
  return field;
}

}  // namespace

class ProcessWatch::Impl final : public std::enable_shared_from_this<ProcessWatch::Impl> {
 public:
  Impl(asio::io_context& io, size_t max_descriptors, EventSink sink)
      : io_(io),
        max_descriptors_(std::min(max_descriptors, kMaxDescriptors)),
        sink_(std::move(sink)),
        timer_(io) {}

  void Watch(uint32_t pid) {
    if (by_descriptor_.contains(pid) || by_start_time_.contains(pid)) return;
    if (by_descriptor_.size() >= max_descriptors_) return Poll(pid);
    UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0)));
    // EINVAL is pid 0 or above INT_MAX: no process has it.
    if (!fd.valid() && (errno == ESRCH || errno == EINVAL)) return sink_(ProcessGone{pid});
    if (!fd.valid()) return Poll(pid);
    auto& descriptor = by_descriptor_[pid];
    descriptor = std::make_unique<asio::posix::stream_descriptor>(io_, fd.Release());
    descriptor->async_wait(asio::posix::descriptor_base::wait_read,
                           [weak = weak_from_this(), pid](const error_code& error) {
                             auto self = weak.lock();
                             if (error || self == nullptr) return;
                             self->by_descriptor_.erase(pid);
                             self->sink_(ProcessGone{pid});
                           });
  }

 private:
  void Poll(uint32_t pid) {
    const std::optional<std::string> start_time = StartTimeOf(pid);
    if (!start_time) return sink_(ProcessGone{pid});
    by_start_time_[pid] = *start_time;
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
      if (StartTimeOf(entry->first) == entry->second) {
        ++entry;
        continue;
      }
      sink_(ProcessGone{entry->first});
      entry = by_start_time_.erase(entry);
    }
    if (!by_start_time_.empty()) SetTimer();
  }

  asio::io_context& io_;
  const size_t max_descriptors_;
  EventSink sink_;
  asio::steady_timer timer_;
  // Both are bounded by the sessions the worker service lets in.
  std::map<uint32_t, std::unique_ptr<asio::posix::stream_descriptor>> by_descriptor_;
  std::map<uint32_t, std::string> by_start_time_;
};

ProcessWatch::ProcessWatch(asio::io_context& io, size_t max_descriptors, EventSink sink)
    : impl_(std::make_shared<Impl>(io, max_descriptors, std::move(sink))) {}

ProcessWatch::~ProcessWatch() = default;

void ProcessWatch::Watch(uint32_t pid) { impl_->Watch(pid); }

}  // namespace lb::controlplane
