#include "dataplane/handover/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace lb::dataplane {
namespace {

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

absl::Status Failed(const char* call) {
  return absl::ResourceExhaustedError(absl::StrCat(call, ": ", std::strerror(errno)));
}

}  // namespace

absl::StatusOr<UniqueFd> MakeMemoryFile(std::string_view content) {
  if (content.size() > kMaxMemoryFileBytes)
    return absl::ResourceExhaustedError(absl::StrCat("a file of ", content.size(), " bytes"));
  UniqueFd file(::memfd_create("lb-handover", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid()) return Failed("memfd_create");
  for (size_t done = 0; done < content.size();) {
    const ssize_t wrote = ::write(file.get(), content.data() + done, content.size() - done);
    if (wrote < 0 && errno != EINTR) return Failed("write");
    if (wrote > 0) done += static_cast<size_t>(wrote);
  }
  if (::fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) return Failed("F_ADD_SEALS");
  return file;
}

absl::StatusOr<std::string> ReadMemoryFile(int fd) {
  const int seals = ::fcntl(fd, F_GET_SEALS);
  struct stat found {};
  if (seals < 0 || (seals & kSeals) != kSeals || ::fstat(fd, &found) != 0)
    return absl::InvalidArgumentError("not a sealed file in memory");
  const auto size = static_cast<size_t>(found.st_size);
  if (size > kMaxMemoryFileBytes)
    return absl::InvalidArgumentError(absl::StrCat("a file of ", size, " bytes"));
  std::string content(size, '\0');
  for (size_t done = 0; done < size;) {
    const ssize_t count = ::pread(fd, content.data() + done, size - done, static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return absl::InternalError(absl::StrCat("pread: ", std::strerror(errno)));
    done += static_cast<size_t>(count);
  }
  return content;
}

}  // namespace lb::dataplane
