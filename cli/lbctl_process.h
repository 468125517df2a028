// Runs the real lbctl for tests: arguments and environment in, streams and exit code out.
// Threading: one test thread.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace lb::cli {

struct ProcessResult {
  std::string out;
  std::string err;
  int exit_code = -1;  // -signal when a signal ended it.
};

struct ProcessOptions {
  std::map<std::string, std::string> env;  // Nothing else is in the environment.
  std::string input;                       // For stdin, which is no terminal.
};

// Runs lbctl to its end.
ProcessResult RunLbctl(const std::vector<std::string>& args, const ProcessOptions& options = {});

// A running lbctl whose output is looked at while it runs.
class LbctlProcess final {
 public:
  enum class Streams { kPipes, kTerminal };  // kTerminal: 80 by 10, all three streams on it.

  LbctlProcess(const std::vector<std::string>& args, Streams streams);
  ~LbctlProcess();  // Kills it when it still runs.
  LbctlProcess(const LbctlProcess&) = delete;
  LbctlProcess& operator=(const LbctlProcess&) = delete;

  // Waits until all stdout so far satisfies `done`, or half a minute has passed; returns whether.
  bool WaitForOut(const std::function<bool(const std::string&)>& done);
  const std::string& out() const { return out_; }

  void Type(const std::string& text);  // kTerminal only.
  void Signal(int signal);
  void CloseOut();  // The reader goes away.

  // Waits for the end, at most half a minute; returns the exit code as in ProcessResult.
  int Wait();

 private:
  pid_t pid_ = -1;
  int out_fd_ = -1;
  std::string out_;
};

}  // namespace lb::cli
