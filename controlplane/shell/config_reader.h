// Reads and loads lb.yaml once, with what it may refer to: the environment and small files. It
// blocks: for start-up and helper threads. Threading: none.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "controlplane/config/load.h"
#include "controlplane/loop/event.h"
#include "controlplane/shell/file_stamps.h"
#include "controlplane/tls/material.h"

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

// What a load has to know of what runs.
struct LoadContext {
  // In force: see MaterialSources. nullptr: nothing is.
  std::shared_ptr<const TlsMaterial> in_force{};
  // The process starts: nobody knows what is in force, and one bad file of TLS must not keep all
  // rules out.
  bool at_start = false;
  // Rules that are left out since then, by name: see Sources.
  std::set<std::string> rules_left_out{};
  // Set to those of the files that the configuration names (of TLS, keys of the cluster,
  // ${file:...}), as they were just before they were read.
  FileStamps* stamps = nullptr;
};

// Loads what was read. An unreadable file is one finding, LB0113.
LoadResult LoadConfigFile(const ConfigFileRead& file, const LoadContext& context = {});

// What was read and loaded as the event of the loop, with the current time.
ConfigRead EventOf(const std::string& path, const ConfigFileRead& file, LoadResult loaded);

// Loads what was read, as the event of the loop.
ConfigRead LoadedFrom(const std::string& path, const ConfigFileRead& file,
                      const LoadContext& context = {});

}  // namespace lb::controlplane
