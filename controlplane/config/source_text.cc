#include "controlplane/config/source_text.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "base/check.h"
#include "base/utf8.h"

namespace lb::controlplane {
namespace {

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Characters in valid UTF-8.
uint32_t CountCharacters(std::string_view text) {
  return static_cast<uint32_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !IsContinuation(c); }));
}

}  // namespace

SourceText::SourceText(std::string_view text) : text_(text) {
  LB_CHECK(text.size() < std::numeric_limits<uint32_t>::max());
  starts_.push_back(0);
  for (size_t i = 0; i < text.size(); ++i) {
    // YAML 1.2 section 5.4: LF, CR LF, and CR alone end a line.
    const bool is_break =
        text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n'));
    if (is_break) starts_.push_back(static_cast<uint32_t>(i + 1));
  }
}

std::string_view SourceText::Line(uint32_t line) const {
  if (line == 0 || line > line_count()) return "";
  const uint32_t begin = starts_[line - 1];
  size_t end = line < line_count() ? starts_[line] : text_.size();
  while (end > begin && (text_[end - 1] == '\n' || text_[end - 1] == '\r')) --end;
  return text_.substr(begin, end - begin);
}

SourceText::Place SourceText::PlaceOf(Span span) const {
  const uint32_t begin = std::min(span.begin, static_cast<uint32_t>(text_.size()));
  const auto next = std::upper_bound(starts_.begin(), starts_.end(), begin);
  const uint32_t line = static_cast<uint32_t>(next - starts_.begin());
  const uint32_t start = starts_[line - 1];
  const uint32_t line_end = start + static_cast<uint32_t>(Line(line).size());
  const uint32_t end = std::clamp(span.end, begin, std::max(begin, line_end));
  return {.line = line,
          .column = CountCharacters(text_.substr(start, begin - start)) + 1,
          .width = std::max(1u, CountCharacters(text_.substr(begin, end - begin)))};
}

uint32_t SourceText::OffsetOf(uint32_t line, uint32_t column) const {
  line = std::clamp(line, 1u, line_count());
  const std::string_view content = Line(line);
  uint32_t offset = 0;
  for (uint32_t seen = 1; seen < column && offset < content.size(); ++seen) {
    ++offset;
    while (offset < content.size() && IsContinuation(content[offset])) ++offset;
  }
  return starts_[line - 1] + offset;
}

namespace {

// U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069.
bool TurnsText(std::string_view character) {
  if (character == "\xD8\x9C") return true;
  if (character.size() != 3 || character[0] != '\xE2') return false;
  const auto last = static_cast<unsigned char>(character[2]);
  if (character[1] == '\x80') return last == 0x8E || last == 0x8F || (last >= 0xAA && last <= 0xAE);
  return character[1] == '\x81' && last >= 0xA6 && last <= 0xA9;
}

}  // namespace

std::optional<NotText> FindNotText(std::string_view text) {
  if (text.substr(0, 2) == "\xFF\xFE" || text.substr(0, 2) == "\xFE\xFF")
    return NotText{0, "it is UTF-16; save it as UTF-8"};
  for (size_t i = 0; i < text.size();) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    const uint32_t offset = static_cast<uint32_t>(i);
    if (c == 0) return NotText{offset, "it has a zero byte: a binary file?"};
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F)
      return NotText{offset, "it has a control character: a binary file?"};
    const size_t length = Utf8Length(text.substr(i, 4));
    if (length == 0) return NotText{offset, "it has a byte that is not UTF-8"};
    const std::string_view character = text.substr(i, length);
    if (length == 2 && c == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0)
      return NotText{offset, "it has a control character: a binary file?"};
    if (TurnsText(character))
      return NotText{offset, "it has a character that changes the direction of text; remove it"};
    i += length;
  }
  return std::nullopt;
}

}  // namespace lb::controlplane
