// How large a terminal is. Plain value.
#pragma once

#include <cstddef>

namespace lb::cli {

struct TerminalSize {
  size_t columns = 0;
  size_t rows = 0;
};

}  // namespace lb::cli
