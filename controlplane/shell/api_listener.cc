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

// Root gives the file to both; anybody else to a group of its own (chown(2)), as a service does
// that has no right but its user and groups.
void GiveTo(const ApiListenerOptions& options) {
  const std::string& path = options.address.host();
  const bool is_root = ::geteuid() == 0;
  const passwd* user =
      options.owner.empty() || !is_root ? nullptr : ::getpwnam(options.owner.c_str());
  const group* members = options.group.empty() ? nullptr : ::getgrnam(options.group.c_str());
  if (members != nullptr && !is_root && ::group_member(members->gr_gid) == 0) members = nullptr;
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
