// `lbctl member key`: the keys of the cluster, on all members at once. Threading: main thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/client.h"
#include "cli/exit_code.h"
#include "cli/globals.h"

namespace lb::cli {

// Members' keys by fingerprint: kPartly when some did not tell.
absl::StatusOr<ExitCode> RunMemberKeyList(const Globals& globals);

struct KeyOptions {
  api::ChangeKeyRequest::Action action = api::ChangeKeyRequest::ACTION_UNSPECIFIED;
  std::vector<std::string> words;  // The key, or its fingerprint.
  std::string file;                // With the key; "-": stdin. Empty: the key is in `words`.
  bool dry_run = false;
};

// Has all members add, use or remove a key: kPartly when some refused or did not answer. The key is
// never printed.
absl::StatusOr<ExitCode> RunMemberKeyChange(const Globals& globals, const KeyOptions& options);

}  // namespace lb::cli
