// The SNI routes of a rule, from the control plane's message to tables. Part of build_tables.
// Threading: the control thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "dataplane/snapshot/build_tables.h"
#include "dataplane/snapshot/sni_table.h"
#include "dataplane/snapshot/tables.h"

namespace lb::type::v1 {
class Rule;
class Snapshot;
}  // namespace lb::type::v1

namespace lb::dataplane {

// What is wrong with the routes of one rule, whose path this is.
std::vector<Problem> CheckSniRoutes(const std::string& path, const lb::type::v1::Rule& rule);
// Too many routes or names in the whole snapshot.
std::vector<Problem> CheckSniCounts(const lb::type::v1::Snapshot& snapshot);

// The names of the rule's routes, without their tables; nullptr when it has none.
std::shared_ptr<SniTable> MakeSniTable(const lb::type::v1::Rule& rule);

// Makes the tables of the routes of `rule`, which is complete but for these. `sni`: what
// MakeSniTable gave; nullptr: there are no routes. A route that says what it said in `old`
// (nullptr: the rule is new) is the same table there.
void FinishRoutes(RuleTable& rule, std::shared_ptr<SniTable> sni, const RuleTable* old,
                  Instant now);

}  // namespace lb::dataplane
