#include "controlplane/access/identity.h"

#include <algorithm>
#include <cctype>

namespace lb::controlplane {
namespace {

constexpr std::string_view kScheme = "spiffe://";

std::optional<Role> RoleNamed(std::string_view name) {
  for (const Role role : {Role::kViewer, Role::kOperator, Role::kAdmin})
    if (RoleName(role) == name) return role;
  return std::nullopt;
}

}  // namespace

// SPIFFE-ID 2.1 and 2.2 allow these in a trust domain and in a path segment.
bool IsIdentityName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxIdentityBytes && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
         });
}

std::optional<Identity> IdentityOf(const std::vector<std::string>& uri_sans,
                                   std::string_view cluster) {
  if (uri_sans.size() != 1) return std::nullopt;
  std::string_view rest = uri_sans.front();
  if (rest.substr(0, kScheme.size()) != kScheme) return std::nullopt;
  rest.remove_prefix(kScheme.size());
  const size_t first = rest.find('/');
  if (first == std::string_view::npos || !IsIdentityName(rest.substr(0, first)))
    return std::nullopt;
  if (!cluster.empty() && rest.substr(0, first) != cluster) return std::nullopt;
  const std::string_view path = rest.substr(first + 1);
  const size_t second = path.find('/');
  if (second == std::string_view::npos) return std::nullopt;
  const std::string_view kind = path.substr(0, second);
  const std::string_view name = path.substr(second + 1);
  if (!IsIdentityName(name)) return std::nullopt;
  if (kind == "worker") return Identity{{}, std::string(name)};
  const std::optional<Role> role = RoleNamed(kind);
  if (!role) return std::nullopt;
  return Identity{{*role, std::string(path)}, ""};
}

Caller CallerOf(uid_t uid, const std::vector<gid_t>& gids, uid_t self, const RoleGroups& groups) {
  const auto is_in = [&gids](const std::optional<gid_t>& group) {
    return group && std::find(gids.begin(), gids.end(), *group) != gids.end();
  };
  Caller caller{Role::kNone, kUnixCaller + std::to_string(uid)};
  if (uid == 0 || uid == self || is_in(groups.admin))
    caller.role = Role::kAdmin;
  else if (is_in(groups.operate))
    caller.role = Role::kOperator;
  else if (is_in(groups.viewer))
    caller.role = Role::kViewer;
  return caller;
}

std::string_view RoleName(Role role) {
  switch (role) {
    case Role::kViewer:
      return "viewer";
    case Role::kOperator:
      return "operator";
    case Role::kAdmin:
      return "admin";
    case Role::kNone:
      break;
  }
  return "none";
}

}  // namespace lb::controlplane
