// How a rule chooses backends, into the message that workers read. Pure; threading: none.
#pragma once

#include "controlplane/config/balance_config.h"
#include "controlplane/snapshot/live_rules.h"

namespace lb::type::v1 {
class Rule;
}  // namespace lb::type::v1

namespace lb::controlplane {

// Sets in `out` what `balance` says; what is the default is left unset, so that the bytes of rules
// that do not use it stay those of older releases.
void AddBalance(const BalanceConfig& balance, type::v1::Rule& out);

// True when a worker must know the feature "balance" to do what the rule says.
bool NeedsBalance(const LiveRule& rule);

}  // namespace lb::controlplane
