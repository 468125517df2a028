// LZW as members pack with it: least significant bit first, literals of 8 bits, codes of 9 to 12.
// Pure; threading: none. The other direction is lzw_encoder.h: we send nothing packed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lb::controlplane::swim {

namespace lzw {

inline constexpr uint32_t kClear = 256;  // Forget all strings.
inline constexpr uint32_t kEnd = 257;    // What follows it is ignored.
inline constexpr uint32_t kMinWidth = 9;
inline constexpr uint32_t kMaxWidth = 12;

}  // namespace lzw

// What `packed` holds, up to its end code. Nothing where that is missing, a code has no meaning, or
// there is more than `max_bytes`. Memory: the result, and a table of a fixed size.
std::optional<std::string> LzwUnpack(std::string_view packed, size_t max_bytes);

}  // namespace lb::controlplane::swim
