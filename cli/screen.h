// The whole terminal for one program: alternate screen, keys as they are typed, size changes.
//
// Whatever ends or suspends the process (return, SIGINT, SIGTERM, SIGHUP, Ctrl-Z, an abort) gives
// the terminal back as it was; SIGCONT takes it again. One at a time. Source of the sequences:
// xterm's ctlseqs, DEC private modes 25 and 1049. Threading: main thread; signals may come on any.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cli/terminal_size.h"

namespace lb::cli {

class Screen final {
 public:
  // What happened while waiting.
  struct Input {
    std::string bytes;     // Typed.
    bool woken = false;    // The descriptor to wait for is readable.
    bool redraw = false;   // The terminal has another size, or is ours again.
    bool hung_up = false;  // The terminal is gone.
  };

  // Takes the terminal. FailedPrecondition when stdin and stdout are none.
  static absl::StatusOr<Screen> Open();
  ~Screen();
  Screen(Screen&& other) noexcept;
  Screen& operator=(Screen&&) = delete;

  // Shows the lines of `frame` from the top, and nothing else: one write over what was there, so
  // that nothing flickers.
  void Draw(std::string_view frame) const;

  // Waits for one of those, at most for `time`.
  Input Wait(int fd, std::chrono::milliseconds time) const;

  // 80 by 24 when the terminal does not say.
  static TerminalSize Size();

 private:
  explicit Screen(bool open) : open_(open) {}

  bool open_;
};

}  // namespace lb::cli
