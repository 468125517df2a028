// Writes lb.yaml as `lbctl apply` does: whole or not at all, and never over somebody else's change.
// It blocks: for helper threads.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace lb::controlplane {

// Puts `content` in the place of the file, following links, with the owner and mode it had (0640
// for a new one), if the file's ConfigFileRead::digest still is `expected_digest`. On the disk when
// it returns OK. Errors: Aborted when the file has changed; PermissionDenied where it cannot be
// written (a read-only mount, a ConfigMap, rights); Unavailable else. Then the file is as it was.
//
// Source of the atomic look at what is replaced: renameat2(2), RENAME_EXCHANGE.
absl::Status ReplaceConfigFile(const std::string& path, std::string_view content,
                               std::string_view expected_digest);

}  // namespace lb::controlplane
