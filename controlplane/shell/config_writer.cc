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

constexpr char kRefusedSuffix[] = ".refused";
constexpr mode_t kNewFileMode = 0640;
constexpr mode_t kPrivateMode = 0600;

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

// A file beside the one that is written; removed at the end unless it was renamed or is kept.
class Temporary final {
 public:
  explicit Temporary(std::string path) : path_(std::move(path)) {}
  ~Temporary() {
    if (!kept_) ::unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  const std::string& path() const { return path_; }
  void Keep() { kept_ = true; }

 private:
  const std::string path_;
  bool kept_ = false;
};

// Writes the new content beside the file. Nobody may read a byte of it, which may be secret, who
// may not read the file: it has its owner and mode before its content.
absl::Status WriteBeside(const std::string& fresh, const std::string& target,
                         std::string_view content) {
  ::unlink(fresh.c_str());  // Left by one that was killed.
  struct stat old {};
  const bool exists = ::stat(target.c_str(), &old) == 0;
  const UniqueFd fd(
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kPrivateMode));
  if (!fd.valid()) return ErrnoStatus(errno, "cannot create", fresh);
  // Without the right to give files away the owner becomes whoever wrote it, as with any editor.
  if (exists && ::fchown(fd.get(), old.st_uid, old.st_gid) != 0 && errno != EPERM)
    return ErrnoStatus(errno, "cannot give to its owner", fresh);
  if (::fchmod(fd.get(), exists ? old.st_mode & 07777 : kNewFileMode) != 0)
    return ErrnoStatus(errno, "cannot set the mode of", fresh);
  return WriteAll(fd.get(), content, fresh);
}

// What came out of the exchange is newer than what was looked at: it goes back.
absl::Status PutBack(Temporary& fresh, const std::string& target, const WriterCalls& calls) {
  const char* from = fresh.path().c_str();
  if (calls.rename(from, target.c_str(), RENAME_EXCHANGE) == 0) return Changed(target);
  if (errno == ENOENT && calls.rename(from, target.c_str(), RENAME_NOREPLACE) == 0)
    return Changed(target);
  const absl::Status why = ErrnoStatus(errno, "cannot put back", target);
  fresh.Keep();
  const std::string kept = target + kRefusedSuffix;
  const bool renamed = calls.rename(from, kept.c_str(), 0) == 0;
  return absl::Status(why.code(),
                      absl::StrCat(why.message(), "; somebody else's change of it is kept as ",
                                   renamed ? kept : fresh.path()));
}

// Why a rename over the file failed.
absl::Status NotReplaced(const std::string& target) {
  if (errno == EBUSY || errno == EXDEV)
    return absl::PermissionDeniedError(absl::StrCat(
        "cannot replace ", target, ": it is a mount of its own; mount its folder instead"));
  return ErrnoStatus(errno, "cannot replace", target);
}

// Exchanges the two. True: `fresh` has what stood in the file now.
absl::StatusOr<bool> Swap(Temporary& fresh, const std::string& target,
                          std::string_view expected_digest, const std::string& keep_as,
                          const WriterCalls& calls) {
  const char* from = fresh.path().c_str();
  if (calls.rename(from, target.c_str(), RENAME_EXCHANGE) == 0) {
    if (ReadConfigFile(fresh.path()).digest == expected_digest) return true;
    return PutBack(fresh, target, calls);
  }
  if (errno == ENOENT) {
    if (calls.rename(from, target.c_str(), RENAME_NOREPLACE) == 0) return false;
    if (errno == EEXIST) return Changed(target);
  }
  if (errno != EINVAL) return NotReplaced(target);
  // A file system without the exchange: the look before is all there is.
  if (!keep_as.empty()) {
    ::unlink(keep_as.c_str());
    if (::link(target.c_str(), keep_as.c_str()) != 0)
      return ErrnoStatus(errno, "cannot keep the old file as", keep_as);
  }
  if (calls.rename(from, target.c_str(), 0) == 0) return false;
  return NotReplaced(target);
}

}  // namespace

int WriterCalls::RenameFile(const char* from, const char* to, unsigned flags) {
  return ::renameat2(AT_FDCWD, from, AT_FDCWD, to, flags);
}

absl::StatusOr<WrittenFile> ReplaceConfigFile(const std::string& path, std::string_view content,
                                              std::string_view expected_digest, bool keep_old,
                                              const WriterCalls& calls) {
  const ConfigFileRead seen = ReadConfigFile(path);
  if (seen.digest != expected_digest) return Changed(path);
  const fs::path target = Target(path);
  LB_RETURN_IF_ERROR(CheckWritable(path, target.string()));
  const std::string folder = target.has_parent_path() ? target.parent_path().string() : ".";
  // Of a file that cannot be read there is nothing to keep.
  const std::string keep_as =
      keep_old && seen.status.ok() ? absl::StrCat(target.string(), kRefusedSuffix) : "";
  Temporary fresh(absl::StrCat(folder, "/.", target.filename().string(), ".new"));
  LB_RETURN_IF_ERROR(WriteBeside(fresh.path(), target, content));
  LB_ASSIGN_OR_RETURN(const bool has_old, Swap(fresh, target, expected_digest, keep_as, calls));
  if (has_old && !keep_as.empty() && calls.rename(fresh.path().c_str(), keep_as.c_str(), 0) != 0) {
    fresh.Keep();
    return WrittenFile{ErrnoStatus(errno, "cannot keep the old file as", keep_as)};
  }
  return WrittenFile{calls.sync_folder(folder)};
}

}  // namespace lb::controlplane
