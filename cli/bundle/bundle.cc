#include "cli/bundle/bundle.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"
#include "cli/age.h"
#include "cli/bundle/archive.h"
#include "cli/bundle/collect.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

constexpr char kDefaultOut[] = "lb-debug.tar.gz";

absl::Status Failed(const std::string& path, int error) {
  const std::string text = absl::StrCat("--out ", Escape(path), ": ", std::strerror(error));
  if (error == EEXIST) {
    absl::Status status = absl::AlreadyExistsError(text);
    SetHint(status, "it is not overwritten: name another file with --out, or remove it");
    return status;
  }
  return absl::InvalidArgumentError(text);
}

// Before anything is collected, so that nobody waits in vain.
absl::Status CheckFree(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0 ? Failed(path, EEXIST) : absl::OkStatus();
}

// Makes the file, for its owner only; what cannot be written whole is removed again.
absl::Status Write(const std::string& path, std::string_view data) {
  const UniqueFd fd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return Failed(path, errno);
  while (!data.empty()) {
    const ssize_t written = ::write(fd.get(), data.data(), data.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      // It may be gone already; the error that matters is the one of writing.
      static_cast<void>(::unlink(path.c_str()));
      return Failed(path, error);
    }
    data.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExitCode> RunBundle(const Globals& globals, const BundleOptions& options) {
  const std::string path = options.out.empty() ? kDefaultOut : options.out;
  LB_RETURN_IF_ERROR(CheckFree(path));
  Collector collector(globals, ReadClocks().wall);
  if (options.duration.count() > 0) {
    collector.TakeBegin(options.metrics);
    Pause(options.duration);
  }
  collector.TakeAll(options.metrics);
  LB_ASSIGN_OR_RETURN(const std::string packed, Gzip(collector.Finish()));
  LB_RETURN_IF_ERROR(Write(path, packed));
  WriteOut(Escape(path) + "\n");
  if (!globals.quiet) {
    for (const std::string& missing : collector.missing())
      WriteErr(absl::StrCat("not in it: ", Escape(missing), "\n"));
    WriteErr(absl::StrCat(FormatBytes(packed.size()),
                          "; it has addresses and names of your network, but no secrets\n"));
  }
  return collector.reached() ? ExitCode::kDone : ExitCode::kPartly;
}

}  // namespace lb::cli
