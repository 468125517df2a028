#include "controlplane/shell/api_listener.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "controlplane/shell/file_io.h"

namespace lb::controlplane {
namespace {

constexpr mode_t kPrivateMode = 0600;

void GiveTo(const ApiListenerOptions& options) {
  if (::geteuid() != 0) return;
  const std::string& path = options.address.host();
  const passwd* user = options.owner.empty() ? nullptr : ::getpwnam(options.owner.c_str());
  const group* members = options.group.empty() ? nullptr : ::getgrnam(options.group.c_str());
  if (user == nullptr && members == nullptr) return;
  const uid_t uid = user != nullptr ? user->pw_uid : static_cast<uid_t>(-1);
  const gid_t gid = members != nullptr ? members->gr_gid : static_cast<gid_t>(-1);
  // Without CAP_CHOWN (a container) the file stays ours, which shuts out more and lets in nobody.
  if (::lchown(path.c_str(), uid, gid) != 0)
    LogWarn("socket keeps its owner",
            {{"error", std::string(ErrnoStatus(errno, "cannot chown", path).message())}});
}

}  // namespace

absl::StatusOr<Listening> ListenApi(const ApiListenerOptions& options) {
  absl::StatusOr<Listening> made = Listen(options.address, kPrivateMode);
  const bool is_file = options.address.kind() == Endpoint::Kind::kUnix;
  if (!made.ok() && !is_file)
    return absl::Status(made.status().code(), absl::StrCat(made.status().message(), "; ",
                                                           options.flag, " gives another address"));
  if (!made.ok())
    return absl::Status(made.status().code(),
                        absl::StrCat(made.status().message(), "; ", options.flag,
                                     " gives another path, in a folder that exists"));
  if (!is_file) return made;
  GiveTo(options);
  const std::string& path = options.address.host();
  if (::chmod(path.c_str(), options.mode) != 0) return ErrnoStatus(errno, "cannot chmod", path);
  return made;
}

}  // namespace lb::controlplane
