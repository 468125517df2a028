// Which users may speak on the unix sockets. Reads the user database, so call these at the start.
#pragma once

#include <string>

#include "controlplane/access/identity.h"
#include "controlplane/shell/api_acceptor.h"

namespace lb::controlplane {

// The worker socket: root, ourselves, and the user `name` if there is one.
ApiAcceptor::Identify TrustedUsers(const std::string& name);

// Groups lb-viewer, lb-operator and lb-admin, as far as they exist.
RoleGroups ReadRoleGroups();

// The admin socket: whoever has a role.
ApiAcceptor::Identify UsersWithRole(const RoleGroups& groups);

}  // namespace lb::controlplane
