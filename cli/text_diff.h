// A unified diff of two texts (POSIX diff -u). Pure; threading: none.
#pragma once

#include <string>
#include <string_view>

namespace lb::cli {

// "" when they are the same. Control characters of the lines are made visible.
std::string UnifiedDiff(std::string_view from_name, std::string_view from, std::string_view to_name,
                        std::string_view to);

}  // namespace lb::cli
