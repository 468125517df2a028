// Reads and loads lb.yaml once, with what it may refer to: the environment and small files. It
// blocks: for start-up and helper threads. Threading: none.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "controlplane/config/load.h"
#include "controlplane/loop/event.h"

namespace lb::controlplane {

// Largest file that a reference in the configuration may name: secrets and certificates.
inline constexpr size_t kMaxReferencedBytes = 1u << 20;

struct ConfigFileRead {
  absl::Status status;  // Why the file cannot be read.
  std::string text;     // At most kMaxConfigBytes + 1.
  std::string digest;   // SHA-256 of the text, or of the status: differs when a file changed.
};

// Reads the file. A FIFO, folder or unreadable file is a result like others.
ConfigFileRead ReadConfigFile(const std::string& path);

// Loads what was read. An unreadable file is one finding, LB0113.
LoadResult LoadConfigFile(const ConfigFileRead& file);

// What was read as the event of the loop, with the current time.
ConfigRead LoadedFrom(const std::string& path, const ConfigFileRead& file);

}  // namespace lb::controlplane
