// Writes lb.yaml as `lbctl apply` does: whole or not at all, and never over somebody else's change.
// It blocks: for helper threads.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controlplane/shell/file_io.h"

namespace lb::controlplane {

// What the file system is asked for; tests give ones that fail.
struct WriterCalls {
  // renameat2(2) with full paths: 0, or -1 and errno.
  std::function<int(const char* from, const char* to, unsigned flags)> rename = RenameFile;
  std::function<absl::Status(const std::string& folder)> sync_folder = SyncFolder;
  static int RenameFile(const char* from, const char* to, unsigned flags);
};

// What became of the file that was written.
struct WrittenFile {
  absl::Status after;  // What failed when the new content stood there already.
};

// Puts `content` in the place of the file, following links, with the owner and mode it had (0640
// for a new one), if the file's ConfigFileRead::digest still is `expected_digest`. With `keep_old`
// what stood there is kept as FILE.refused, in the place of an older such file. Errors: Aborted
// when the file has changed; PermissionDenied where it cannot be written (a read-only mount, a
// mount of this one file, a ConfigMap, rights); Unavailable else. Then the file is as it was, or,
// when even that fails, what stood there is kept under the name that the error gives.
//
// Source of the atomic look at what is replaced: renameat2(2), RENAME_EXCHANGE.
absl::StatusOr<WrittenFile> ReplaceConfigFile(const std::string& path, std::string_view content,
                                              std::string_view expected_digest,
                                              bool keep_old = false, const WriterCalls& calls = {});

}  // namespace lb::controlplane
