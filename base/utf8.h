// UTF-8: whole characters, and text that is safe to keep.
//
// A field of type string in protobuf must be UTF-8: a message with half a character in one is
// written, but not read again. Source: Unicode 15, table 3-7 (no surrogates, no overlong forms).
// Pure; threading: none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lb {

// Returns the number of bytes (1 to 4) of the UTF-8 character `text` begins with, or 0 when it does
// not begin with a valid one.
size_t Utf8Length(std::string_view text);

// Returns the beginning of `text` that fits `max_bytes`, in whole characters. Each byte that is not
// UTF-8 becomes U+FFFD, so that the result always is.
std::string CutUtf8(std::string_view text, size_t max_bytes);

}  // namespace lb
