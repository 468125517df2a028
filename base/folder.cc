#include "base/folder.h"

#include <sys/stat.h>

#include <cerrno>

namespace lb {

bool HasFolder(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? S_ISDIR(status.st_mode) : errno == EACCES;
}

}  // namespace lb
