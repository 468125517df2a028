#include "controlplane/shell/unix_users.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace lb::controlplane {
namespace {

std::optional<gid_t> GroupId(const char* name) {
  const group* found = ::getgrnam(name);
  if (found == nullptr) return std::nullopt;
  return found->gr_gid;
}

}  // namespace

ApiAcceptor::Identify TrustedUsers(const std::string& name) {
  std::vector<uid_t> uids{0, ::geteuid()};
  if (const passwd* user = ::getpwnam(name.c_str()); user != nullptr) uids.push_back(user->pw_uid);
  return [uids](uid_t uid, const std::vector<gid_t>&) -> std::optional<Caller> {
    if (std::find(uids.begin(), uids.end(), uid) == uids.end()) return std::nullopt;
    return Caller{Role::kNone, "uid/" + std::to_string(uid)};
  };
}

RoleGroups ReadRoleGroups() {
  return {GroupId("lb-viewer"), GroupId("lb-operator"), GroupId("lb-admin")};
}

ApiAcceptor::Identify UsersWithRole(const RoleGroups& groups) {
  return [groups, self = ::geteuid()](uid_t uid,
                                      const std::vector<gid_t>& gids) -> std::optional<Caller> {
    Caller caller = CallerOf(uid, gids, self, groups);
    if (caller.role == Role::kNone) return std::nullopt;
    return caller;
  };
}

}  // namespace lb::controlplane
