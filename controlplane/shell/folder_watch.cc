#include "controlplane/shell/folder_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include "base/unique_fd.h"
#include "controlplane/shell/file_io.h"

namespace lb::controlplane {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr uint32_t kSettledMask =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB;
constexpr uint32_t kFolderGoneMask =
    IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_Q_OVERFLOW | IN_UNMOUNT;
constexpr uint32_t kMask = kSettledMask | IN_CREATE | IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF;
constexpr size_t kBufferBytes = 16 * 1024;  // Holds at least 60 events with the longest names.

FolderWatch::Change ChangeOf(uint32_t mask) {
  if ((mask & kFolderGoneMask) != 0) return FolderWatch::Change::kUnknown;
  if ((mask & kSettledMask) != 0) return FolderWatch::Change::kSettled;
  if ((mask & IN_CREATE) != 0) return FolderWatch::Change::kCreated;
  return FolderWatch::Change::kWriting;
}

}  // namespace

class FolderWatch::Impl final : public std::enable_shared_from_this<FolderWatch::Impl> {
 public:
  Impl(asio::io_context& io, UniqueFd fd, OnChange on_change)
      : descriptor_(io, fd.Release()), on_change_(std::move(on_change)) {}

  void SetFolders(const std::vector<std::string>& folders) {
    std::set<int> wanted;
    for (const std::string& folder : folders) {
      // Adding again gives the same number; a folder that came anew gets a new one.
      const int number =
          inotify_add_watch(descriptor_.native_handle(), folder.c_str(), kMask | IN_ONLYDIR);
      if (number >= 0) wanted.insert(number);
    }
    for (const int number : watched_) {
      if (wanted.contains(number)) continue;
      retired_.insert(number);
      inotify_rm_watch(descriptor_.native_handle(), number);
    }
    watched_ = std::move(wanted);
  }

  void Read() {
    descriptor_.async_read_some(asio::buffer(buffer_),
                                [weak = weak_from_this()](const error_code& error, size_t bytes) {
                                  auto self = weak.lock();
                                  if (error || self == nullptr) return;
                                  self->Take(bytes);
                                  self->Read();
                                });
  }

 private:
  void Take(size_t bytes) {
    size_t at = 0;
    while (at + sizeof(inotify_event) <= bytes) {
      inotify_event event;
      std::memcpy(&event, buffer_.data() + at, sizeof(event));
      const std::string name =
          event.len > 0 ? std::string(buffer_.data() + at + sizeof(event)) : std::string();
      at += sizeof(event) + event.len;
      // The end of a watch that we gave up is no news.
      if ((event.mask & IN_IGNORED) != 0 && retired_.erase(event.wd) > 0) continue;
      on_change_(ChangeOf(event.mask), name);
    }
  }

  asio::posix::stream_descriptor descriptor_;
  OnChange on_change_;
  std::set<int> watched_;
  std::set<int> retired_;  // Given up; their IN_IGNORED is still to come.
  alignas(inotify_event) std::array<char, kBufferBytes> buffer_{};
};

FolderWatch::FolderWatch(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

FolderWatch::~FolderWatch() = default;

absl::StatusOr<std::unique_ptr<FolderWatch>> FolderWatch::Create(asio::io_context& io,
                                                                 OnChange on_change) {
  UniqueFd fd(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, "cannot watch files by", "inotify");
  auto impl = std::make_shared<Impl>(io, std::move(fd), std::move(on_change));
  impl->Read();
  return std::unique_ptr<FolderWatch>(new FolderWatch(std::move(impl)));
}

void FolderWatch::SetFolders(const std::vector<std::string>& folders) {
  impl_->SetFolders(folders);
}

}  // namespace lb::controlplane
