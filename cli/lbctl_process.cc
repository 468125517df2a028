#include "cli/lbctl_process.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/unique_fd.h"

namespace lb::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{30};

// Where Bazel puts the program, from the folder that tests run in.
constexpr char kProgram[] = "cli/lbctl";

// What execve(2) takes. Made before fork(2): the child of a process with threads may not allocate,
// since one of them may have held the allocator's lock.
class Command final {
 public:
  Command(const std::vector<std::string>& args, const std::map<std::string, std::string>& env)
      : args_(args) {
    for (const auto& [name, value] : env) env_.push_back(name + "=" + value);
    argv_.push_back(const_cast<char*>(kProgram));
    for (std::string& arg : args_) argv_.push_back(arg.data());
    argv_.push_back(nullptr);
    for (std::string& pair : env_) envp_.push_back(pair.data());
    envp_.push_back(nullptr);
  }

  // In the child.
  [[noreturn]] void Execute() const {
    ::execve(kProgram, argv_.data(), envp_.data());
    ::_exit(127);
  }

 private:
  std::vector<std::string> args_;
  std::vector<std::string> env_;
  std::vector<char*> argv_;
  std::vector<char*> envp_;
};

struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

Pipe MakePipe() {
  int fds[2];
  LB_CHECK(::pipe2(fds, O_CLOEXEC) == 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

int ExitCodeOf(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -WTERMSIG(wait_status);
}

// Reads what there is within `wait`; false at the end of the stream.
bool ReadSome(int fd, std::chrono::milliseconds wait, std::string& text) {
  pollfd readable{fd, POLLIN, 0};
  if (::poll(&readable, 1, static_cast<int>(wait.count())) <= 0) return true;
  char buffer[65536];
  const ssize_t got = ::read(fd, buffer, sizeof buffer);
  if (got > 0) text.append(buffer, static_cast<size_t>(got));
  return got > 0 || (got < 0 && errno == EINTR);
}

}  // namespace

ProcessResult RunLbctl(const std::vector<std::string>& args, const ProcessOptions& options) {
  Pipe in = MakePipe();
  Pipe out = MakePipe();
  Pipe err = MakePipe();
  const Command command(args, options.env);
  const pid_t pid = ::fork();
  LB_CHECK(pid >= 0);
  if (pid == 0) {
    ::dup2(in.reader.get(), STDIN_FILENO);
    ::dup2(out.writer.get(), STDOUT_FILENO);
    ::dup2(err.writer.get(), STDERR_FILENO);
    command.Execute();
  }
  out.writer.Reset();
  err.writer.Reset();
  // Tests give less than a pipe holds, so this does not block.
  LB_CHECK(options.input.size() < 65536);
  LB_CHECK(::write(in.writer.get(), options.input.data(), options.input.size()) >= 0);
  in.writer.Reset();
  ProcessResult result;
  bool out_open = true;
  bool err_open = true;
  while (out_open || err_open) {
    const std::chrono::milliseconds wait(out_open && err_open ? 1 : 100);
    if (out_open) out_open = ReadSome(out.reader.get(), wait, result.out);
    if (err_open) err_open = ReadSome(err.reader.get(), wait, result.err);
  }
  int status = 0;
  LB_CHECK(::waitpid(pid, &status, 0) == pid);
  result.exit_code = ExitCodeOf(status);
  return result;
}

LbctlProcess::LbctlProcess(const std::vector<std::string>& args, Streams streams) {
  const Command command(args, {{"TERM", "xterm"}});
  if (streams == Streams::kTerminal) {
    winsize size{};
    size.ws_col = 80;
    size.ws_row = 10;
    pid_ = ::forkpty(&out_fd_, nullptr, nullptr, &size);
    LB_CHECK(pid_ >= 0);
    if (pid_ == 0) command.Execute();
    return;
  }
  Pipe out = MakePipe();
  pid_ = ::fork();
  LB_CHECK(pid_ >= 0);
  if (pid_ == 0) {
    ::dup2(out.writer.get(), STDOUT_FILENO);
    command.Execute();
  }
  out_fd_ = out.reader.Release();
}

LbctlProcess::~LbctlProcess() {
  if (out_fd_ >= 0) ::close(out_fd_);
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bool LbctlProcess::WaitForOut(const std::function<bool(const std::string&)>& done) {
  const auto end = Clock::now() + kPatience;
  while (!done(out_)) {
    if (Clock::now() > end) return false;
    if (!ReadSome(out_fd_, std::chrono::milliseconds(100), out_)) return done(out_);
  }
  return true;
}

void LbctlProcess::Type(const std::string& text) {
  LB_CHECK(::write(out_fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

void LbctlProcess::Signal(int signal) { LB_CHECK(::kill(pid_, signal) == 0); }

void LbctlProcess::CloseOut() {
  ::close(out_fd_);
  out_fd_ = -1;
}

int LbctlProcess::Wait() {
  const auto end = Clock::now() + kPatience;
  int status = 0;
  while (::waitpid(pid_, &status, WNOHANG) == 0) {
    if (Clock::now() > end) return -1000;
    // Output that nobody reads would block the process.
    if (out_fd_ >= 0)
      ReadSome(out_fd_, std::chrono::milliseconds(20), out_);
    else
      ::poll(nullptr, 0, 20);
  }
  pid_ = -1;
  return ExitCodeOf(status);
}

}  // namespace lb::cli
