// Whether a folder is there. Touches the disk. Threading: none.
#pragma once

#include <string>

namespace lb {

// False when there is no such folder, or something else of that name. What may not be looked into
// may still be there, and counts as if it were.
bool HasFolder(const std::string& path);

}  // namespace lb
