#include "base/file_mode.h"

#include <sys/stat.h>

namespace lb {

std::optional<uint32_t> FileMode(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  return status.st_mode;
}

}  // namespace lb
