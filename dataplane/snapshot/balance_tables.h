// The part of a rule's table that says how its backends are chosen. Pure but for FinishBalance.
// Threading: the control thread; ReadFacts any thread.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "dataplane/balance/shares.h"
#include "dataplane/snapshot/build_tables.h"
#include "dataplane/snapshot/tables.h"

namespace lb::type::v1 {
class Rule;
class Snapshot;
}  // namespace lb::type::v1

namespace lb::dataplane {

// Returns what is wrong with the balance of `rule`, whose problems begin with `path`.
std::vector<Problem> CheckBalance(const std::string& path, const lb::type::v1::Rule& rule);
// Returns the problem of more rules that hash clients than one worker holds tables for, if any.
std::vector<Problem> CheckHashRules(const lb::type::v1::Snapshot& snapshot);

// Makes the settings of a checked rule; the hash tables are left to FinishBalance.
BalanceTable MakeBalance(const lb::type::v1::Rule& rule);
// True when the settings are the same; hash tables follow from them and the backends.
bool SameBalance(const BalanceTable& a, const BalanceTable& b);
// Builds the hash tables of a new `rule`, or takes those of `previous` (nullptr: none) when their
// backends are the same, and notes `now` as the begin of those that were not in use there.
void FinishBalance(RuleTable& rule, const RuleTable* previous, Instant now);

// Writes what is known now of each backend of `rule` into `facts`, which has their number. Returns
// when the first of those that are ejected returns; max for never.
Instant ReadFacts(const RuleTable& rule, Instant now, std::vector<BackendFacts>& facts);
// True while so few of its backends are usable that all are used.
bool InPanic(const RuleTable& rule, Instant now);
// The options of its shares.
Shares::Options ShareOptions(const RuleTable& rule);

}  // namespace lb::dataplane
