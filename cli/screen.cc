#include "cli/screen.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "cli/terminal.h"

namespace lb::cli {
namespace {

// Alternate screen, cursor off; and back.
constexpr char kEnter[] = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J";
constexpr char kLeave[] = "\x1b[?25h\x1b[?1049l";

constexpr int kEnding[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
constexpr int kCrashing[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

// For the signal handlers, which may use only what signal-safety(7) lists: set before they are.
termios before;
termios raw_mode;
int wake_fd = -1;
volatile sig_atomic_t taken = 0;

void WriteRaw(const char* text, size_t bytes) {
  const ssize_t ignored = ::write(STDOUT_FILENO, text, bytes);
  static_cast<void>(ignored);  // A terminal that takes nothing cannot be told so.
}

void Take() {
  taken = 1;  // First: a signal in the middle of this gives all of it back.
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw_mode);
  WriteRaw(kEnter, sizeof kEnter - 1);
}

void GiveBack() {
  if (taken == 0) return;
  taken = 0;
  WriteRaw(kLeave, sizeof kLeave - 1);
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

void Wake() {
  const uint64_t one = 1;
  const ssize_t ignored = ::write(wake_fd, &one, sizeof one);
  static_cast<void>(ignored);  // Full: it wakes anyway.
}

void Handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigaction(signal, &action, nullptr);
}

extern "C" void OnEnd(int signal) {
  GiveBack();
  ::_exit(128 + signal);
}

extern "C" void OnCrash(int signal) {
  GiveBack();
  Handle(signal, SIG_DFL);
  ::raise(signal);
}

extern "C" void OnChange(int) {
  const int kept = errno;
  Wake();
  errno = kept;
}

// Gives the terminal back and stops as if there were no handler; goes on below after SIGCONT.
extern "C" void OnSuspend(int signal) {
  const int kept = errno;
  GiveBack();
  Handle(signal, SIG_DFL);
  sigset_t only;
  sigset_t mask;
  ::sigemptyset(&only);
  ::sigaddset(&only, signal);
  ::raise(signal);  // To this thread, which holds it back until here.
  ::pthread_sigmask(SIG_UNBLOCK, &only, &mask);
  ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  Handle(signal, &OnSuspend);
  Take();
  Wake();
  errno = kept;
}

}  // namespace

absl::StatusOr<Screen> Screen::Open() {
  LB_CHECK(taken == 0);
  if (!StdinIsTty() || !StdoutIsTty() || ::tcgetattr(STDIN_FILENO, &before) != 0)
    return absl::FailedPreconditionError("standard input and output are no terminal");
  raw_mode = before;
  // Keys come one by one and unseen; Ctrl-C and Ctrl-Z stay signals.
  raw_mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  raw_mode.c_cc[VMIN] = 1;
  raw_mode.c_cc[VTIME] = 0;
  if (wake_fd < 0) wake_fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_fd < 0)
    return absl::InternalError(absl::StrCat("cannot make an eventfd: ", std::strerror(errno)));
  for (const int signal : kEnding) Handle(signal, &OnEnd);
  for (const int signal : kCrashing) Handle(signal, &OnCrash);
  Handle(SIGTSTP, &OnSuspend);
  Handle(SIGWINCH, &OnChange);
  Handle(SIGCONT, &OnChange);
  Take();
  return Screen(true);
}

Screen::Screen(Screen&& other) noexcept : open_(std::exchange(other.open_, false)) {}

Screen::~Screen() {
  if (!open_) return;
  GiveBack();
  for (const int signal : kCrashing) Handle(signal, SIG_DFL);
  for (const int signal : {SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH, SIGCONT}) Handle(signal, SIG_DFL);
  SetUpSignals();
}

void Screen::Draw(std::string_view frame) const {
  std::string out = "\x1b[H";
  while (true) {
    const size_t end = frame.find('\n');
    // Erased before, not after: after a line that fills its row the cursor stands on the last
    // character. It is one write either way.
    out.append("\x1b[K").append(frame.substr(0, end));
    if (end == std::string_view::npos) break;
    out += "\r\n";
    frame.remove_prefix(end + 1);
  }
  WriteOut(out + "\x1b[J");
}

Screen::Input Screen::Wait(int fd, std::chrono::milliseconds time) const {
  pollfd all[] = {{STDIN_FILENO, POLLIN, 0}, {wake_fd, POLLIN, 0}, {fd, POLLIN, 0}};
  Input input;
  if (::poll(all, 3, static_cast<int>(time.count())) <= 0) return input;
  if ((all[0].revents & POLLIN) != 0) {
    char buffer[256];
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got > 0) input.bytes.assign(buffer, static_cast<size_t>(got));
    input.hung_up = got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN);
  } else if (all[0].revents != 0) {
    input.hung_up = true;
  }
  uint64_t count = 0;
  input.redraw = (all[1].revents & POLLIN) != 0 &&
                 ::read(wake_fd, &count, sizeof count) == static_cast<ssize_t>(sizeof count);
  input.woken = all[2].revents != 0;
  return input;
}

TerminalSize Screen::Size() {
  const TerminalSize size = StdoutSize();
  return size.columns == 0 || size.rows == 0 ? TerminalSize{80, 24} : size;
}

}  // namespace lb::cli
