// Bytes of a terminal to keys. Source: ECMA-48 control sequences as xterm, tmux and the Linux
// console send them (terminfo kcuu1 and the like, in both cursor modes). Pure; threading: none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lb::cli {

struct Key {
  enum class Kind {
    kText,  // One printable character, or a byte of one.
    kUp,
    kDown,
    kPageUp,
    kPageDown,
    kHome,
    kEnd,
    kEnter,
    kTab,
    kBackspace,
    kEscape,
    kOther,  // Known to be a key, and none of ours.
  };
  Kind kind = Kind::kOther;
  char byte = 0;  // kText.

  friend bool operator==(const Key&, const Key&) = default;
};

// Splits what is typed into keys, across reads that end within one.
class KeyReader final {
 public:
  // Longest sequence that is waited for; what is longer is no key.
  static constexpr size_t kSequenceBytesMax = 16;

  // The keys that are complete with `bytes`.
  std::vector<Key> Feed(std::string_view bytes);

  // Whether an ESC waits for what may follow it.
  bool pending() const { return !rest_.empty(); }

  // Nothing followed: it was the Escape key.
  std::vector<Key> Flush();

 private:
  std::string rest_;
};

}  // namespace lb::cli
