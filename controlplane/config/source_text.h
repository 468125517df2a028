// The text of a configuration file: is it text at all, and where is a byte of it. Offsets are in
// bytes from the start; lines and columns count from 1, columns in characters (UTF-8 code points).
//
// Holds a view: the text must outlive it. Threading: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace lb::controlplane {

// A stretch of bytes of the text.
struct Span {
  uint32_t begin = 0;
  uint32_t end = 0;
};

class SourceText final {
 public:
  struct Place {
    uint32_t line = 0;
    uint32_t column = 0;
    uint32_t width = 1;  // Characters of the span on its first line, at least 1.
  };

  // `text` has less than 4 GiB.
  explicit SourceText(std::string_view text);

  // Takes time in proportion to the length of the line.
  Place PlaceOf(Span span) const;

  // The offset of a place; one outside the text gives the nearest one inside.
  uint32_t OffsetOf(uint32_t line, uint32_t column) const;

  // Line `line` without its line break; "" when there is none.
  std::string_view Line(uint32_t line) const;

  uint32_t line_count() const { return static_cast<uint32_t>(starts_.size()); }
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
  std::vector<uint32_t> starts_;  // Of each line; never empty.
};

// Why and where `text` is no text that is taken: a zero byte, a control character, a byte that is
// not UTF-8; a character that changes the direction of text (Unicode TR 9), with which a line can
// look like another one (CVE-2021-42574).
struct NotText {
  uint32_t offset = 0;
  std::string_view why;
};
std::optional<NotText> FindNotText(std::string_view text);

}  // namespace lb::controlplane
