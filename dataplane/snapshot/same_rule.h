// Whether two tables say the same, so that the older one can stay. Part of build_tables.
// Threading: none.
#pragma once

#include "dataplane/snapshot/tables.h"

namespace lb::dataplane {

// Of a rule, or of one of its routes. Hash tables are not compared: they follow from the rest.
bool SameRule(const RuleTable& a, const RuleTable& b);

}  // namespace lb::dataplane
