#include "cli/keys.h"

namespace lb::cli {
namespace {

constexpr char kEsc = '\x1b';

// A byte that ends a control sequence, ECMA-48 5.4.
bool IsFinal(char c) { return c >= '@' && c <= '~'; }

Key::Kind KindOf(std::string_view sequence) {
  // Without ESC [ or ESC O.
  const std::string_view body = sequence.substr(2);
  if (body == "A") return Key::Kind::kUp;
  if (body == "B") return Key::Kind::kDown;
  if (body == "H" || body == "1~" || body == "7~") return Key::Kind::kHome;
  if (body == "F" || body == "4~" || body == "8~") return Key::Kind::kEnd;
  if (body == "5~") return Key::Kind::kPageUp;
  if (body == "6~") return Key::Kind::kPageDown;
  return Key::Kind::kOther;
}

Key PlainKey(char c) {
  switch (c) {
    case '\r':
    case '\n':
      return {Key::Kind::kEnter};
    case '\t':
      return {Key::Kind::kTab};
    case '\x7f':
    case '\b':
      return {Key::Kind::kBackspace};
    default:
      break;
  }
  const bool printable = static_cast<unsigned char>(c) >= ' ';
  return printable ? Key{Key::Kind::kText, c} : Key{};
}

// Length of the control sequence at the start of `bytes`, 0 when its end has not come.
size_t SequenceBytes(std::string_view bytes) {
  if (bytes.size() < 2) return 0;
  if (bytes[1] == 'O') return bytes.size() < 3 ? 0 : 3;
  if (bytes[1] != '[') return 1;
  for (size_t i = 2; i < bytes.size(); ++i)
    if (IsFinal(bytes[i])) return i + 1;
  return bytes.size() >= KeyReader::kSequenceBytesMax ? bytes.size() : 0;
}

}  // namespace

std::vector<Key> KeyReader::Feed(std::string_view bytes) {
  std::vector<Key> keys;
  rest_ += bytes;
  size_t at = 0;
  while (at < rest_.size()) {
    const std::string_view left = std::string_view(rest_).substr(at);
    if (left[0] != kEsc) {
      keys.push_back(PlainKey(left[0]));
      ++at;
      continue;
    }
    const size_t used = SequenceBytes(left);
    if (used == 0) break;
    keys.push_back({used == 1 ? Key::Kind::kEscape : KindOf(left.substr(0, used))});
    at += used;
  }
  rest_.erase(0, at);
  return keys;
}

std::vector<Key> KeyReader::Flush() {
  const bool escape = rest_.size() == 1;
  rest_.clear();
  return {{escape ? Key::Kind::kEscape : Key::Kind::kOther}};
}

}  // namespace lb::cli
