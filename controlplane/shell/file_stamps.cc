#include "controlplane/shell/file_stamps.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace lb::controlplane {
namespace {

std::string FolderOf(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.parent_path();
  return folder.empty() ? "." : folder.string();
}

}  // namespace

std::string StampOf(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return absl::StrCat("errno ", errno);
  return absl::StrCat(info.st_dev, " ", info.st_ino, " ", info.st_size, " ", info.st_mtim.tv_sec,
                      ".", info.st_mtim.tv_nsec, " ", info.st_ctim.tv_sec, ".",
                      info.st_ctim.tv_nsec);
}

bool AreCurrent(const FileStamps& stamps) {
  return std::all_of(stamps.begin(), stamps.end(),
                     [](const auto& file) { return StampOf(file.first) == file.second; });
}

std::set<std::string> FoldersOf(const FileStamps& stamps, size_t max) {
  std::set<std::string> folders;
  for (const auto& [path, stamp] : stamps) {
    if (folders.size() + 2 > max) break;
    folders.insert(FolderOf(path));
    std::error_code missing;
    const std::filesystem::path real = std::filesystem::canonical(path, missing);
    if (!missing) folders.insert(FolderOf(real));
  }
  return folders;
}

}  // namespace lb::controlplane
