// Who a peer is, from its certificate or from its user and groups. Pure; threading: none.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/access/role.h"

namespace lb::controlplane {

// The names of callers on a unix socket begin with it; those in certificates never do.
inline constexpr char kUnixCaller[] = "uid/";

// Longest name in a certificate: that of a worker (--id).
inline constexpr size_t kMaxIdentityBytes = 63;

// A worker is no Caller: its role is kNone and `worker` is its name.
struct Identity {
  Caller caller;
  std::string worker{};  // Of its certificate; empty: not a worker, or on a unix socket.
  // The process that connected a unix socket, where processes are told apart; 0: not told.
  pid_t pid = 0;
};

// Reads the URI SANs of a verified certificate. Exactly one must be there, of the form
// spiffe://CLUSTER/{worker|viewer|operator|admin}/NAME (SPIFFE-ID standard, 2); anything else is
// nobody. So is one of another CLUSTER than `cluster`; "": any.
std::optional<Identity> IdentityOf(const std::vector<std::string>& uri_sans,
                                   std::string_view cluster = "");

// Whether it can be the CLUSTER or the NAME of a certificate.
bool IsIdentityName(std::string_view text);

// The groups that give a role on a unix socket; a group that does not exist has no id.
struct RoleGroups {
  std::optional<gid_t> viewer;
  std::optional<gid_t> operate;
  std::optional<gid_t> admin;
};

// The peer of a unix socket: root and `self` are admin, members of a group have its role, the
// highest one counts. Others have none.
Caller CallerOf(uid_t uid, const std::vector<gid_t>& gids, uid_t self, const RoleGroups& groups);

// "viewer", "operator", "admin"; "none".
std::string_view RoleName(Role role);

}  // namespace lb::controlplane
