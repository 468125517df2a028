// Where in a configuration a worker's complaint is about: from a path in the snapshot to a place in
// the file. Pure; threading: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace lb::controlplane {

struct FilePlace {
  uint32_t line = 0;    // 1-based.
  uint32_t column = 0;  // 1-based, in characters.
};

// The place of "rules/web/listen" or "rules/web/backends/web-1/address" in `text`: of the value
// itself, else of the closest thing around it that is written there. nullopt when there is none.
std::optional<FilePlace> PlaceOf(std::string_view text, std::string_view path);

}  // namespace lb::controlplane
