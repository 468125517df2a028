// Text that goes to a terminal: control characters made visible, width in columns.
//
// Names come from files and servers; printed raw, an escape sequence in one could move the cursor
// or change colours. Pure; threading: none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lb::cli {

// Returns `text` with everything that could steer a terminal written as \n, \t, \xNN (bytes) or
// \uNNNN (C1 controls, bidirectional overrides, line separators). Bytes that are not UTF-8 become
// \xNN.
std::string Escape(std::string_view text);

// Like Escape, but line breaks and tabs stay: for text of several lines on a terminal.
std::string EscapeLines(std::string_view text);

// Like Escape for characters above ASCII only, always as \uNNNN: for text that already is JSON,
// where the serializer has handled the ASCII ones.
std::string EscapeJsonText(std::string_view json);

// Columns that `text` takes on a terminal; combining marks take 0, East Asian wide and emoji 2.
size_t DisplayWidth(std::string_view text);

// Returns `text` cut to at most `width` columns, ending in "…" when something was cut off.
std::string Shorten(std::string_view text, size_t width);

}  // namespace lb::cli
