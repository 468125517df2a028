// Reads the msgpack of members. Pure; threading: none. Bytes of strangers: all lengths are checked
// against what is there, nesting is bounded, and what is read is a view of the bytes given.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "controlplane/membership/msgpack_head.h"

namespace lb::controlplane::swim {

// Values inside of values that are followed, the outermost counted.
inline constexpr size_t kMaxMsgpackDepth = 16;

// Finds where a value ends while its bytes come in pieces: every head is looked at once, so that
// the work is linear in the bytes, however small the pieces.
class MsgpackScanner {
 public:
  // `bytes`: all that came of the value, from its first byte on; what an earlier call was given,
  // and more. kOk: it is whole, and ends at end(). kCut: more has to come. kBad: it is no msgpack,
  // or nested deeper than kMaxMsgpackDepth.
  MsgpackRead Scan(std::string_view bytes);

  size_t end() const { return at_; }

 private:
  // Values still to come, of each value that is not over yet.
  std::array<uint64_t, kMaxMsgpackDepth> left_{1};
  size_t depth_ = 1;
  size_t at_ = 0;
};

// Reads one value after the other. Each call returns false, and must not be followed by another
// one, where the next value is cut or of another kind. Nil is taken for "nothing" of any kind.
class MsgpackReader {
 public:
  explicit MsgpackReader(std::string_view bytes) : rest_(bytes) {}

  // A string or bytes, in any form; nil: empty.
  bool Text(std::string_view& text);
  // An integer in any form, at most `max`; nil: 0.
  bool Unsigned(uint64_t max, uint64_t& number);
  // A bool, 0 or 1; nil: false.
  bool Bool(bool& value);
  // The head of a map; its keys and values follow, in turns.
  bool Map(uint64_t& pairs);
  // The head of an array; its values follow. Nil: an empty one.
  bool Array(uint64_t& items);
  // One value of any kind, with all that is in it.
  bool Skip();

 private:
  bool Head(MsgpackHead& head);

  std::string_view rest_;
};

// Calls `field(key)` for each key of a map, which reads or skips the value. False where that, or
// the map, is bad.
template <typename Field>
bool ReadMap(MsgpackReader& in, const Field& field) {
  uint64_t pairs = 0;
  if (!in.Map(pairs)) return false;
  for (; pairs > 0; --pairs) {
    std::string_view key;
    if (!in.Text(key) || !field(key)) return false;
  }
  return true;
}

}  // namespace lb::controlplane::swim
