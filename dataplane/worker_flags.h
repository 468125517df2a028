// The command line of lb-worker, checked. Pure but for the number of processors.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/endpoint.h"
#include "base/tls_files.h"

namespace lb::dataplane {

struct WorkerFlags {
  Endpoint control;
  TlsPaths tls;  // All of them where `control` is TCP, else none.
  std::string tls_server_name;
  Endpoint http;
  std::string probe;  // Not empty: ask `http` for this page, print it and end.
  std::string id;
  size_t threads = 1;
  uint64_t max_connections = 0;  // 0: as many as descriptors allow.
  std::chrono::seconds drain_timeout{30};
  std::chrono::seconds min_drain{0};
  bool wait_when_replaced = false;  // Not to end, for a supervisor that would start it again.
  std::string log_level;
  std::string log_format;
};

// What the command line asks for: to run, or to print and exit with a code.
struct ParsedFlags {
  std::optional<WorkerFlags> run;
  int exit_code = 0;
  std::string output;  // For standard output when exit_code is 0, else for standard error.
};

// Parses argv. Exit code 2: a bad flag; `output` says which and why.
ParsedFlags ParseFlags(int argc, const char* const* argv);

}  // namespace lb::dataplane
