// The control plane as a process: makes the parts of the shell, connects them to the loop, runs
// them on the calling thread, and ends on a signal.
//
// SIGTERM and SIGINT end it within kStopTimeout: streams and calls get UNAVAILABLE, workers serve
// on. A second one, and SIGQUIT, end it at once. SIGHUP reads the configuration again.
#pragma once

#include <chrono>
#include <memory>

#include "absl/status/statusor.h"
#include "controlplane/loop/event.h"
#include "controlplane/shell/file_stamps.h"
#include "controlplane/shell/flags.h"

namespace lb::controlplane {

// What was read of the configuration before the start; it is in force from the first moment.
struct InitialConfig {
  ConfigRead read;
  std::string digest;  // ConfigFileRead::digest.
  FileStamps stamps;   // Of the files of TLS that it names.
};

class Server final {
 public:
  static constexpr std::chrono::seconds kStopTimeout{3};
  // Connections at once on each address: workers; lbctl and automation.
  static constexpr size_t kMaxWorkerConnections = 256;
  // Different processes on the worker socket within a minute: as many connections, and four that
  // end and start again every second.
  static constexpr size_t kMaxWorkerProcesses = 512;
  static constexpr size_t kMaxAdminConnections = 128;
  // Of them from one address over TCP.
  static constexpr size_t kMaxConnectionsPerSource = 64;
  // Memory of the connections of workers: many large hellos may come at once. See GrpcServer.
  static constexpr size_t kMaxWorkerMemoryBytes = 512u << 20;

  // Takes the state folder, binds every socket and starts. Errors name the flag or path.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Flags& flags, InitialConfig config);
  ~Server();

  // Runs until a signal ends it.
  void Run();

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lb::controlplane
