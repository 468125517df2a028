#include "cli/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "cli/exit_code.h"

namespace lb::cli {
namespace {

constexpr size_t kLineBytesMax = 256;
constexpr size_t kNoteBytesMax = 255;

// Read by the signal handler: a plain buffer, its length set after its content.
char interrupt_note[kNoteBytesMax];
volatile sig_atomic_t interrupt_note_bytes = 0;

// Only async-signal-safe calls: signal-safety(7).
extern "C" void EndOnSignal(int signal) {
  const auto bytes = static_cast<size_t>(interrupt_note_bytes);
  ssize_t ignored = bytes == 0 ? 0 : ::write(STDERR_FILENO, interrupt_note, bytes);
  static_cast<void>(ignored);  // The process ends either way.
  ::_exit(128 + signal);
}

// Writes everything, through EINTR and through pipes that someone made non-blocking. Returns errno.
int WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd writable{fd, POLLOUT, 0};
      if (::poll(&writable, 1, -1) < 0 && errno != EINTR) return errno;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

bool StdinIsTty() { return ::isatty(STDIN_FILENO) == 1; }
bool StdoutIsTty() { return ::isatty(STDOUT_FILENO) == 1; }
bool StderrIsTty() { return ::isatty(STDERR_FILENO) == 1; }

TerminalSize StdoutSize() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return {};
  return {size.ws_col, size.ws_row};
}

void WriteOut(std::string_view text) {
  const int error = WriteAll(STDOUT_FILENO, text);
  if (error == 0) return;
  if (error == EPIPE) std::_Exit(static_cast<int>(ExitCode::kDone));
  WriteErr(std::string("lbctl: cannot write standard output: ") + std::strerror(error) + "\n");
  std::_Exit(static_cast<int>(ExitCode::kInternal));
}

void WriteErr(std::string_view text) {
  // Nowhere is left to report that stderr cannot be written; the exit code still tells.
  static_cast<void>(WriteAll(STDERR_FILENO, text));
}

void Pause(std::chrono::milliseconds time) {
  // POLLERR of a pipe: its reading end is closed (poll(2)).
  pollfd reader{STDOUT_FILENO, 0, 0};
  const int events = ::poll(&reader, 1, static_cast<int>(time.count()));
  if (events > 0 && (reader.revents & POLLERR) != 0) std::_Exit(static_cast<int>(ExitCode::kDone));
}

std::string ReadLine() {
  std::string line;
  char c = 0;
  while (line.size() < kLineBytesMax && ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') line += c;
  return line;
}

void SetUpSignals() {
  struct sigaction action {};
  action.sa_handler = &EndOnSignal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &action, nullptr);
  // A closed descriptor would be reused by the first socket, and output would go there.
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) < 0) std::_Exit(70);
}

void SetInterruptNote(const std::string& note) {
  interrupt_note_bytes = 0;
  const size_t bytes = std::min(note.size(), kNoteBytesMax);
  std::memcpy(interrupt_note, note.data(), bytes);
  interrupt_note_bytes = static_cast<sig_atomic_t>(bytes);
}

}  // namespace lb::cli
