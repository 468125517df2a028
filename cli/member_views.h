// Members of the cluster as table rows and words. Pure; time is an argument.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "cli/table.h"
#include "lb/admin/v1/admin.pb.h"
#include "lb/admin/v1/member.pb.h"

namespace lb::cli {

std::vector<Column> MemberColumns(bool wide);
Row MemberRow(const lb::admin::v1::Member& member, bool wide, WallTime now);

// "3 alive, 1 failed", painted; states of which there is none are left out.
std::string MembersText(const lb::admin::v1::Cluster& cluster, bool color);

}  // namespace lb::cli
