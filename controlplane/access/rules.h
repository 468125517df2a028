// Which role each method of the admin server needs: one table, deny by default. Pure; threading:
// none.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/access/identity.h"
#include "controlplane/admin/failure.h"

namespace lb::controlplane {

// One line of the table. `method` is "package.Service/Method", or "package.Service/*" for services
// that are not ours.
struct AccessRule {
  std::string_view method;
  Role least;    // kNone: any identity, also a worker's.
  bool mutates;  // Leaves an audit line.
};

// The table, in the order of docs/security.md.
const std::vector<AccessRule>& AccessRules();

// The services of lb.admin in the table, by full name, each once.
std::vector<std::string> AdminServices();

// The rule of "package.Service/Method"; nullptr: nobody may call it.
const AccessRule* FindAccessRule(std::string_view method);

// Why `peer` may not call a method of the admin server, or nothing. Absent peer: nobody is known.
// Unauthenticated (CERT_REQUIRED), PermissionDenied (ROLE_MISSING; metadata role, needs, method).
std::optional<Failure> CheckAdminCall(const std::optional<Identity>& peer, std::string_view method);

// What is asked before a call of the admin server is read. Like CheckAdminCall, but leaves calls of
// lb.admin by viewers, operators and admins to its service, which refuses them with details. Others
// have no business there, so that nothing of theirs is kept in memory.
std::optional<Failure> CheckAdminEntry(const std::optional<Identity>& peer,
                                       std::string_view method);

// Likewise for the worker server over TLS: only a worker's certificate, only Connect.
std::optional<Failure> CheckWorkerCall(const std::optional<Identity>& peer,
                                       std::string_view method);

}  // namespace lb::controlplane
