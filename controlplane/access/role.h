// Who calls an API, and what that lets them do. Plain values; threading: none.
#pragma once

#include <cstdint>
#include <string>

namespace lb::controlplane {

// What a caller may do; each role includes those before it.
enum class Role : uint8_t { kNone, kViewer, kOperator, kAdmin };

// Who asks: from the client certificate, or from the user at the other end of the unix socket.
struct Caller {
  Role role = Role::kNone;
  std::string name;  // "admin/deploy", "uid/1000": for audit lines and as the author of changes.
};

}  // namespace lb::controlplane
