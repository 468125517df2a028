// Reads and checks all files of TLS that a configuration names, with every problem of one pass.
//
// Pure: files are reached through MaterialSources. Threading: none.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/time.h"
#include "controlplane/config/config.h"
#include "controlplane/tls/material_result.h"

namespace lb::controlplane {

// Bounds of what one configuration may name. The bytes leave room for the rest of a snapshot, of
// which workers take 64 MiB.
inline constexpr size_t kMaxPairs = 10'000;
inline constexpr size_t kMaxMaterialBytes = 48u << 20;

struct MaterialSources {
  // The content of a file of at most kMaxMaterialFileBytes.
  std::function<absl::StatusOr<std::string>(const std::string& path)> read_file;
  // The permissions of a file, as stat(2) has them in st_mode; nullopt when it cannot be told. Left
  // empty, nothing is said of them.
  std::function<std::optional<uint32_t>(const std::string& path)> read_mode{};
  WallTime now;
  // What is in force: that one of it has expired since is a warning, and so is a newer content of
  // a file that is no good, so that neither holds up any other change. nullptr: nothing is.
  std::shared_ptr<const TlsMaterial> in_force = nullptr;
  // Nobody knows what is in force, so it counts for all files.
  bool at_start = false;
};

// Reads what `config` names. The result has all that is good, and what is in force of files that
// are no good any more; a file with an error is not in it.
MaterialResult LoadMaterial(const Config& config, const MaterialSources& sources);

}  // namespace lb::controlplane
