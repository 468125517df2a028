#include "cli/text.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace lb::cli {
namespace {

struct Decoded {
  char32_t code_point;
  size_t bytes;  // 0 when the bytes are not UTF-8.
};

// RFC 3629; overlong forms and surrogates are not UTF-8.
Decoded DecodeFirst(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1};
  size_t bytes = 0;
  char32_t code_point = 0;
  char32_t smallest = 0;
  if ((lead & 0xe0u) == 0xc0u) {
    bytes = 2, code_point = lead & 0x1fu, smallest = 0x80;
  } else if ((lead & 0xf0u) == 0xe0u) {
    bytes = 3, code_point = lead & 0x0fu, smallest = 0x800;
  } else if ((lead & 0xf8u) == 0xf0u) {
    bytes = 4, code_point = lead & 0x07u, smallest = 0x10000;
  }
  if (bytes == 0 || text.size() < bytes) return {0, 0};
  for (size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0u) != 0x80u) return {0, 0};
    code_point = (code_point << 6) | (next & 0x3fu);
  }
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  if (code_point < smallest || code_point > 0x10ffff || surrogate) return {0, 0};
  return {code_point, bytes};
}

struct Range {
  char32_t first;
  char32_t last;
};

template <size_t N>
bool IsIn(const Range (&ranges)[N], char32_t c) {
  for (const Range& range : ranges)
    if (c >= range.first && c <= range.last) return true;
  return false;
}

// DEL and C1 controls, and what reorders or breaks lines (Unicode TR 9, TR 14).
constexpr Range kSteering[] = {{0x7f, 0x9f},     {0x61c, 0x61c},   {0x200e, 0x200f},
                               {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff}};
constexpr Range kNoWidth[] = {
    {0x300, 0x36f}, {0x200b, 0x200d}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};
// The blocks that are wide as a whole (Unicode TR 11); single wide characters elsewhere are left.
constexpr Range kWide[] = {
    {0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
    {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};

size_t WidthOf(char32_t c) {
  if (IsIn(kNoWidth, c)) return 0;
  return IsIn(kWide, c) ? 2 : 1;
}

void AppendHex(std::string& out, const char* format, unsigned value) {
  char buffer[16];
  const int length = std::snprintf(buffer, sizeof buffer, format, value);
  out.append(buffer, static_cast<size_t>(length));
}

}  // namespace

std::string Escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Decoded c = DecodeFirst(text);
    if (c.bytes == 0) {
      AppendHex(out, "\\x%02x", static_cast<unsigned char>(text[0]));
    } else if (c.code_point == '\n') {
      out += "\\n";
    } else if (c.code_point == '\t') {
      out += "\\t";
    } else if (c.code_point < 0x20 || c.code_point == 0x7f) {
      AppendHex(out, "\\x%02x", static_cast<unsigned>(c.code_point));
    } else if (IsIn(kSteering, c.code_point)) {
      AppendHex(out, "\\u%04x", static_cast<unsigned>(c.code_point));
    } else {
      out.append(text.substr(0, c.bytes));
    }
    text.remove_prefix(c.bytes == 0 ? 1 : c.bytes);
  }
  return out;
}

std::string EscapeLines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t kept = std::min(text.find_first_of("\n\t"), text.size());
    out += Escape(text.substr(0, kept));
    if (kept == text.size()) break;
    out += text[kept];
    text.remove_prefix(kept + 1);
  }
  return out;
}

std::string EscapeJsonText(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const Decoded c = DecodeFirst(json);
    if (c.bytes == 0) {
      out += "\\ufffd";
    } else if (IsIn(kSteering, c.code_point)) {
      AppendHex(out, "\\u%04x", static_cast<unsigned>(c.code_point));
    } else {
      out.append(json.substr(0, c.bytes));
    }
    json.remove_prefix(c.bytes == 0 ? 1 : c.bytes);
  }
  return out;
}

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const Decoded c = DecodeFirst(text);
    width += c.bytes == 0 ? 1 : WidthOf(c.code_point);
    text.remove_prefix(c.bytes == 0 ? 1 : c.bytes);
  }
  return width;
}

std::string Shorten(std::string_view text, size_t width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  if (width == 0) return "";
  std::string out;
  size_t used = 0;
  while (!text.empty()) {
    const Decoded c = DecodeFirst(text);
    const size_t bytes = c.bytes == 0 ? 1 : c.bytes;
    used += c.bytes == 0 ? 1 : WidthOf(c.code_point);
    if (used > width - 1) break;
    out.append(text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
  return out + "…";
}

}  // namespace lb::cli
