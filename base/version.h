// The version both programs and lbctl print.
#pragma once

namespace lb {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace lb
