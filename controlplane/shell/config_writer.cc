#include "controlplane/shell/config_writer.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"
#include "controlplane/shell/config_reader.h"
#include "controlplane/shell/file_io.h"

namespace lb::controlplane {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kNewFileMode = 0640;

absl::Status Changed(const std::string& path) {
  return absl::AbortedError(
      absl::StrCat(path, " was changed by somebody else meanwhile; look at it and try again"));
}

// The file a chain of links ends at; the path itself when there is none yet.
std::string Target(const std::string& path) {
  std::error_code missing;
  const fs::path real = fs::canonical(path, missing);
  return missing ? path : real.string();
}

// Whether kubelet swaps the folder's content by its link "..data": what is written there is lost at
// the next swap.
bool IsKubernetesVolume(const std::string& path) {
  std::error_code error;
  const fs::path folder = fs::path(path).parent_path();
  return fs::is_symlink((folder.empty() ? fs::path(".") : folder) / "..data", error);
}

// Why the file must stay as it is, although its folder may allow more.
absl::Status CheckWritable(const std::string& path, const std::string& target) {
  if (IsKubernetesVolume(path))
    return absl::PermissionDeniedError(absl::StrCat(
        path, " is in a volume of Kubernetes (..data) and read-only: change the ConfigMap"));
  if (::access(target.c_str(), W_OK) != 0 && errno != ENOENT)
    return ErrnoStatus(errno, "cannot write", target);
  return absl::OkStatus();
}

// Removes a file unless it was renamed away.
class Temporary final {
 public:
  explicit Temporary(std::string path) : path_(std::move(path)) {}
  ~Temporary() { ::unlink(path_.c_str()); }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

// Writes the new content beside the file, as it is to stand there.
absl::Status WriteBeside(const std::string& fresh, const std::string& target,
                         std::string_view content) {
  ::unlink(fresh.c_str());  // Left by one that was killed.
  struct stat old {};
  const bool exists = ::stat(target.c_str(), &old) == 0;
  const UniqueFd fd(
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kNewFileMode));
  if (!fd.valid()) return ErrnoStatus(errno, "cannot create", fresh);
  LB_RETURN_IF_ERROR(WriteAll(fd.get(), content, fresh));
  if (!exists) return absl::OkStatus();
  // Without the right to give files away the owner becomes whoever wrote it, as with any editor.
  if (::fchown(fd.get(), old.st_uid, old.st_gid) != 0 && errno != EPERM)
    return ErrnoStatus(errno, "cannot give to its owner", fresh);
  if (::fchmod(fd.get(), old.st_mode & 07777) != 0)
    return ErrnoStatus(errno, "cannot set the mode of", fresh);
  return absl::OkStatus();
}

absl::Status Swap(const std::string& fresh, const std::string& target,
                  std::string_view expected_digest) {
  const auto rename = [&](unsigned flags) {
    return ::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, target.c_str(), flags);
  };
  if (rename(RENAME_EXCHANGE) == 0) {
    if (ReadConfigFile(fresh).digest == expected_digest) return absl::OkStatus();
    // What came out is newer than what was looked at: it goes back.
    if (rename(RENAME_EXCHANGE) != 0) return ErrnoStatus(errno, "cannot put back", target);
    return Changed(target);
  }
  if (errno == ENOENT) {
    if (rename(RENAME_NOREPLACE) == 0) return absl::OkStatus();
    if (errno == EEXIST) return Changed(target);
  }
  // A file system without the exchange: the look before is all there is.
  if (errno == EINVAL && ::rename(fresh.c_str(), target.c_str()) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "cannot replace", target);
}

}  // namespace

absl::Status ReplaceConfigFile(const std::string& path, std::string_view content,
                               std::string_view expected_digest) {
  if (ReadConfigFile(path).digest != expected_digest) return Changed(path);
  const fs::path target = Target(path);
  LB_RETURN_IF_ERROR(CheckWritable(path, target.string()));
  const std::string folder = target.has_parent_path() ? target.parent_path().string() : ".";
  const Temporary fresh(absl::StrCat(folder, "/.", target.filename().string(), ".new"));
  LB_RETURN_IF_ERROR(WriteBeside(fresh.path(), target, content));
  LB_RETURN_IF_ERROR(Swap(fresh.path(), target, expected_digest));
  return SyncFolder(folder);
}

}  // namespace lb::controlplane
