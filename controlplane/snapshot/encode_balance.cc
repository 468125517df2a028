#include "controlplane/snapshot/encode_balance.h"

#include <algorithm>

#include "base/check.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::controlplane {
namespace {

using Algorithm = BalanceConfig::Algorithm;

type::v1::Balance ToProto(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kWeightedRoundRobin:
      return type::v1::BALANCE_WEIGHTED_ROUND_ROBIN;
    case Algorithm::kLeastConnections:
      return type::v1::BALANCE_LEAST_CONNECTIONS;
    case Algorithm::kRandomTwoChoices:
      return type::v1::BALANCE_RANDOM_TWO_CHOICES;
    case Algorithm::kSourceHash:
      return type::v1::BALANCE_SOURCE_HASH;
    case Algorithm::kMaglev:
      return type::v1::BALANCE_MAGLEV;
  }
  LB_CHECK(false);
}

}  // namespace

void AddBalance(const BalanceConfig& balance, type::v1::Rule& out) {
  out.set_balance(ToProto(balance.algorithm));
  if (balance.hash_balance_percent)
    out.set_hash_balance_ratio(*balance.hash_balance_percent / 100.0);
  out.set_panic_threshold_ratio(balance.panic_threshold_percent / 100.0);
  out.set_slow_start_ms(static_cast<uint64_t>(balance.slow_start.count()));
}

bool NeedsBalance(const LiveRule& rule) {
  return rule.balance != BalanceConfig{} ||
         std::any_of(rule.backends.begin(), rule.backends.end(),
                     [](const LiveBackend& backend) { return backend.backup; });
}

}  // namespace lb::controlplane
