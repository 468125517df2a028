#include "dataplane/control/snapshot_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"
#include "dataplane/handover/handover_path.h"
#include "dataplane/handover/memory_file.h"

namespace lb::dataplane {
namespace {

absl::Status Failed(const std::string& path, const char* call) {
  const int error = errno;
  std::string text = absl::StrCat(path, ": ", call, ": ", std::strerror(error));
  return error == ENOENT ? absl::NotFoundError(text) : absl::UnavailableError(text);
}

// NotFound when the folder of `path` is on a disk, or is not there.
absl::Status InMemory(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  struct statfs found {};
  if (::statfs(folder.c_str(), &found) != 0) return Failed(folder, "statfs");
  if (found.f_type == TMPFS_MAGIC || found.f_type == RAMFS_MAGIC) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat(folder, ": not in a file system in memory"));
}

absl::Status WriteNew(const std::string& path, const std::string& content) {
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) return Failed(path, "open");
  for (size_t done = 0; done < content.size();) {
    const ssize_t wrote = ::write(file.get(), content.data() + done, content.size() - done);
    if (wrote < 0 && errno != EINTR) return Failed(path, "write");
    if (wrote > 0) done += static_cast<size_t>(wrote);
  }
  return absl::OkStatus();
}

}  // namespace

void SnapshotFile::Step(Instant now) {
  const uint64_t changes = keepsake_.changes();
  if (changes == 0 || changes == written_ || now < next_write_) return;
  next_write_ = now + kInterval;
  written_ = changes;
  // A folder on a disk is somebody's choice.
  if (absl::IsNotFound(InMemory(path_))) return;
  const absl::Status status = Write(keepsake_.Save());
  if (!status.ok() && !std::exchange(write_failure_told_, true))
    LogWarn("what runs is not kept for a start without control plane",
            {{"error", std::string(status.message())}});
}

void SnapshotFile::Restore(Instant now) {
  if (now < started_ + kUsedAfter) return;
  const auto content = Read();
  if (absl::IsNotFound(content.status())) return;
  absl::Status restored = content.status();
  if (restored.ok()) restored = keepsake_.Read(*content, now);
  if (restored.ok()) restored = keepsake_.Restore();
  if (restored.ok())
    LogWarn("serving as the process before did: the control plane is not reached",
            {{"file", path_}});
  else if (!std::exchange(read_failure_told_, true))
    LogWarn("cannot go on as the process before",
            {{"file", path_}, {"error", std::string(restored.message())}});
}

absl::Status SnapshotFile::Write(const std::string& content) const {
  if (content.size() > kMaxMemoryFileBytes)
    return absl::ResourceExhaustedError(absl::StrCat(content.size(), " bytes"));
  const std::string beside = absl::StrCat(path_, ".new");
  ::unlink(beside.c_str());
  const absl::Status written = WriteNew(beside, content);
  if (written.ok() && std::rename(beside.c_str(), path_.c_str()) != 0)
    return Failed(path_, "rename");
  if (!written.ok()) ::unlink(beside.c_str());
  return written;
}

absl::StatusOr<std::string> SnapshotFile::Read() const {
  LB_RETURN_IF_ERROR(InMemory(path_));
  UniqueFd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.valid()) return Failed(path_, "open");
  struct stat found {};
  if (::fstat(file.get(), &found) != 0) return Failed(path_, "fstat");
  if (!S_ISREG(found.st_mode) || found.st_uid != ::geteuid() || (found.st_mode & 077) != 0)
    return absl::PermissionDeniedError(
        absl::StrCat(path_, ": not a file that only this user can read and write"));
  const auto size = static_cast<size_t>(found.st_size);
  if (size > kMaxMemoryFileBytes)
    return absl::InvalidArgumentError(absl::StrCat(path_, ": ", size, " bytes"));
  std::string content(size, '\0');
  for (size_t done = 0; done < size;) {
    const ssize_t count = ::read(file.get(), content.data() + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Failed(path_, "read");
    if (count == 0) return absl::UnavailableError(absl::StrCat(path_, ": became shorter"));
    done += static_cast<size_t>(count);
  }
  return content;
}

std::string SnapshotPath(const Endpoint& control, const std::string& id) {
  const std::string beside = HandoverPath(control, id);
  return absl::StrCat(absl::StripSuffix(beside, ".handover"), ".snapshot");
}

}  // namespace lb::dataplane
