// Who may do what with a file. Touches the disk. Threading: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lb {

// Type and permissions, as st_mode of stat(2) has them; nullopt where nobody can tell.
std::optional<uint32_t> FileMode(const std::string& path);

}  // namespace lb
