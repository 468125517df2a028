#include "controlplane/shell/file_io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"

namespace lb::controlplane {
namespace {

constexpr size_t kChunkBytes = 256 * 1024;

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

absl::Status ErrnoStatus(int error, std::string_view what, std::string_view path) {
  const std::string text =
      absl::StrCat(Absl(what), " ", Absl(path), ": ", std::generic_category().message(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(text);
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(text);
    default:
      return absl::UnavailableError(text);
  }
}

absl::Status WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, "cannot write", path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  if (::fsync(fd) != 0) return ErrnoStatus(errno, "cannot sync", path);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadRegularFile(const std::string& path, size_t max_bytes) {
  // O_NONBLOCK: opening a FIFO returns at once instead of waiting for a writer.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!fd.valid()) return ErrnoStatus(errno, "cannot open", path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return ErrnoStatus(errno, "cannot stat", path);
  if (!S_ISREG(info.st_mode))
    return absl::FailedPreconditionError(absl::StrCat(path, " is not a regular file"));
  std::string bytes;
  while (bytes.size() < max_bytes) {
    const size_t begin = bytes.size();
    bytes.resize(std::min(max_bytes, begin + kChunkBytes));
    const ssize_t got = ::read(fd.get(), bytes.data() + begin, bytes.size() - begin);
    if (got < 0 && errno != EINTR) return ErrnoStatus(errno, "cannot read", path);
    bytes.resize(begin + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) break;
  }
  return bytes;
}

absl::Status ReplaceFile(const std::string& folder, const std::string& name,
                         std::string_view bytes) {
  const std::string path = folder + "/" + name;
  const std::string fresh = path + ".new";
  {
    constexpr mode_t kOwnerOnly = 0600;
    const UniqueFd fd(
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, kOwnerOnly));
    if (!fd.valid()) return ErrnoStatus(errno, "cannot create", fresh);
    LB_RETURN_IF_ERROR(WriteAll(fd.get(), bytes, fresh));
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0)
    return ErrnoStatus(errno, "cannot rename to", path);
  return SyncFolder(folder);
}

absl::Status SyncFolder(const std::string& folder) {
  const UniqueFd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || ::fsync(directory.get()) != 0)
    return ErrnoStatus(errno, "cannot sync", folder);
  return absl::OkStatus();
}

}  // namespace lb::controlplane
