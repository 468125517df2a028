#include "controlplane/shell/revision_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "controlplane/config/load.h"
#include "controlplane/shell/file_io.h"

namespace lb::controlplane {
namespace {

constexpr char kSuffix[] = ".yaml";

}  // namespace

std::string RevisionStore::Name(uint64_t number) const { return absl::StrCat(number, kSuffix); }

std::map<uint64_t, std::string> RevisionStore::Read() const {
  std::map<uint64_t, std::string> contents;
  std::error_code missing;
  size_t looked_at = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, missing)) {
    uint64_t number = 0;
    if (++looked_at > kMaxFiles) break;
    if (entry.path().extension() != kSuffix ||
        !absl::SimpleAtoi(entry.path().stem().string(), &number))
      continue;
    absl::StatusOr<std::string> content = ReadRegularFile(entry.path().string(), kMaxConfigBytes);
    if (content.ok())
      contents.emplace(number, *std::move(content));
    else
      LogWarn("a kept configuration cannot be read",
              {{"error", std::string(content.status().message())}});
  }
  return contents;
}

absl::Status RevisionStore::Keep(uint64_t number, const std::string& content) {
  constexpr mode_t kOwnerOnly = 0700;
  if (::mkdir(folder_.c_str(), kOwnerOnly) != 0 && errno != EEXIST)
    return ErrnoStatus(errno, "cannot create", folder_);
  return ReplaceFile(folder_, Name(number), content);
}

absl::Status RevisionStore::Drop(uint64_t number) {
  const std::string path = absl::StrCat(folder_, "/", Name(number));
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return ErrnoStatus(errno, "cannot remove", path);
  return absl::OkStatus();
}

}  // namespace lb::controlplane
