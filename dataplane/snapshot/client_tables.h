// The parts of a rule's table that are about its clients: access lists and PROXY headers. Parts of
// build_tables.cc and check_snapshot.cc. Pure; threading: none.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "dataplane/snapshot/tables.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane {

// nullptr for a rule without lists. InvalidArgument says what is wrong with them.
absl::StatusOr<std::shared_ptr<const AccessList>> MakeAccessList(const lb::type::v1::Rule& rule);

// nullptr for a rule that neither reads nor sends headers. InvalidArgument says what is wrong; the
// timeout is not looked at.
absl::StatusOr<std::shared_ptr<const ProxyTable>> MakeProxyTable(const lb::type::v1::Rule& rule);

}  // namespace lb::dataplane
