// What a Snapshot must fulfil before tables are made of it. Pure; threading: none.
#pragma once

#include <vector>

#include "dataplane/snapshot/build_tables.h"

namespace lb::dataplane {

// Returns every problem of `snapshot` in its own order, at most kMaxProblems; empty when it is
// fit to run.
std::vector<Problem> CheckSnapshot(const lb::type::v1::Snapshot& snapshot);

}  // namespace lb::dataplane
