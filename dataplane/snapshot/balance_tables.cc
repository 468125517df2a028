#include "dataplane/snapshot/balance_tables.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "dataplane/balance/hash_ring.h"
#include "dataplane/balance/hashing.h"
#include "dataplane/balance/maglev.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane {
namespace {

namespace type = lb::type::v1;

std::optional<Algorithm> AlgorithmOf(type::Balance balance) {
  switch (balance) {
    case type::BALANCE_WEIGHTED_ROUND_ROBIN:
      return Algorithm::kWeightedRoundRobin;
    case type::BALANCE_LEAST_CONNECTIONS:
      return Algorithm::kLeastConnections;
    case type::BALANCE_RANDOM_TWO_CHOICES:
      return Algorithm::kRandomTwoChoices;
    case type::BALANCE_SOURCE_HASH:
      return Algorithm::kSourceHash;
    case type::BALANCE_MAGLEV:
      return Algorithm::kMaglev;
    default:
      return std::nullopt;
  }
}

// What the tables hold: backups have their turn too rarely to be worth one.
uint32_t HashedWeight(const BackendTable& backend) { return backend.backup ? 0 : backend.weight; }

bool SameHashed(const BackendTable& a, const BackendTable& b) {
  return a.name == b.name && HashedWeight(a) == HashedWeight(b);
}

template <typename Table>
std::shared_ptr<const Table> MakeTable(const RuleTable& rule) {
  std::vector<typename Table::Backend> backends;
  backends.reserve(rule.backends.size());
  for (const BackendTable& backend : rule.backends)
    backends.push_back({backend.name, HashedWeight(backend)});
  return std::make_shared<const Table>(backends);
}

HashTables MakeHashTables(const RuleTable& rule) {
  HashTables tables;
  std::vector<uint64_t> names;
  names.reserve(rule.backends.size());
  for (const BackendTable& backend : rule.backends)
    names.push_back(HashOfName(backend.name, kRendezvousSalt));
  tables.names = std::make_shared<const std::vector<uint64_t>>(std::move(names));
  const auto hashed = std::count_if(rule.backends.begin(), rule.backends.end(),
                                    [](const BackendTable& b) { return HashedWeight(b) > 0; });
  if (hashed < 2) return tables;
  if (rule.balance.algorithm == Algorithm::kMaglev)
    tables.maglev = MakeTable<Maglev>(rule);
  else
    tables.ring = MakeTable<HashRing>(rule);
  return tables;
}

// Hash tables of the rule: one, or as many as routes with two backends to choose from.
size_t CountHashed(const type::Rule& rule) {
  if (rule.sni_routes_size() == 0) return 1;
  std::map<uint32_t, int> backends;
  for (const type::Backend& backend : rule.backends()) ++backends[backend.sni_route()];
  return static_cast<size_t>(std::count_if(backends.begin(), backends.end(),
                                           [](const auto& route) { return route.second > 1; }));
}

// The backend of that name with a weight, or nullptr.
const BackendTable* FindInUse(const RuleTable& rule, const std::string& name) {
  const auto found = std::lower_bound(
      rule.backends.begin(), rule.backends.end(), name,
      [](const BackendTable& backend, const std::string& wanted) { return backend.name < wanted; });
  return found != rule.backends.end() && found->name == name && found->weight > 0 ? &*found
                                                                                  : nullptr;
}

}  // namespace

std::vector<Problem> CheckBalance(const std::string& path, const type::Rule& rule) {
  std::vector<Problem> problems;
  const auto bad = [&](std::string_view field, std::string message) {
    problems.push_back(
        {Problem::Kind::kInvalid, absl::StrCat(path, "/", std::string(field)), std::move(message)});
  };
  if (!AlgorithmOf(rule.balance()).has_value())
    bad("balance",
        absl::StrCat("this worker does not know balance ", static_cast<int>(rule.balance())));
  const double bound = rule.hash_balance_ratio();
  if (bound != 0 && !(bound >= 1 && bound <= kMaxHashBalanceRatio))
    bad("hash_balance_ratio",
        absl::StrCat(bound, " is neither 0 nor in 1..", kMaxHashBalanceRatio));
  const double panic = rule.panic_threshold_ratio();
  if (!(panic >= 0 && panic <= 1))
    bad("panic_threshold_ratio", absl::StrCat(panic, " is not in 0..1"));
  if (rule.slow_start_ms() > kMaxTimeoutMs)
    bad("slow_start_ms", absl::StrCat(rule.slow_start_ms(), " is above ", kMaxTimeoutMs));
  return problems;
}

std::vector<Problem> CheckHashRules(const type::Snapshot& snapshot) {
  int hashing = 0;
  for (const type::Rule& rule : snapshot.rules()) {
    const std::optional<Algorithm> algorithm = AlgorithmOf(rule.balance());
    if (!algorithm.has_value() || !HashesClient(*algorithm)) continue;
    hashing += static_cast<int>(CountHashed(rule));
  }
  if (hashing <= kMaxHashRules) return {};
  return {{Problem::Kind::kResourceLimit, "rules",
           absl::StrCat(hashing, " rules and routes that hash clients; at most ", kMaxHashRules)}};
}

BalanceTable MakeBalance(const type::Rule& rule) {
  BalanceTable balance;
  balance.algorithm = AlgorithmOf(rule.balance()).value();
  balance.hash_bound_ratio = rule.hash_balance_ratio();
  balance.panic_threshold_ratio = rule.panic_threshold_ratio();
  balance.slow_start_ms = rule.slow_start_ms();
  return balance;
}

bool SameBalance(const BalanceTable& a, const BalanceTable& b) {
  return a.algorithm == b.algorithm && a.hash_bound_ratio == b.hash_bound_ratio &&
         a.panic_threshold_ratio == b.panic_threshold_ratio && a.slow_start_ms == b.slow_start_ms;
}

void FinishBalance(RuleTable& rule, const RuleTable* previous, Instant now) {
  if (previous != nullptr && rule.balance.slow_start_ms > 0) {
    for (const BackendTable& backend : rule.backends) {
      if (FindInUse(*previous, backend.name) == nullptr) backend.state->usable_since.store(now);
    }
  }
  if (!HashesClient(rule.balance.algorithm) || rule.sni != nullptr) return;
  const bool same = previous != nullptr && previous->balance.algorithm == rule.balance.algorithm &&
                    std::equal(rule.backends.begin(), rule.backends.end(),
                               previous->backends.begin(), previous->backends.end(), SameHashed);
  rule.balance.hash_tables = same ? previous->balance.hash_tables : MakeHashTables(rule);
}

Instant ReadFacts(const RuleTable& rule, Instant now, std::vector<BackendFacts>& facts) {
  LB_CHECK(facts.size() == rule.backends.size());
  Instant next_return = Instant::max();
  for (size_t i = 0; i < facts.size(); ++i) {
    const BackendTable& backend = rule.backends[i];
    facts[i] = {.weight = backend.weight,
                .backup = backend.backup,
                .usable = backend.state->usable.load(),
                .since = backend.state->usable_since.load()};
    if (!rule.outlier.on()) continue;
    const Instant until = backend.state->outlier.ejected_until.load();
    facts[i].since = std::max(facts[i].since, until);
    if (until <= now) continue;
    facts[i].usable = false;
    next_return = std::min(next_return, until);
  }
  return next_return;
}

bool InPanic(const RuleTable& rule, Instant now) {
  if (rule.sni != nullptr)
    return std::any_of(rule.sni->routes.begin(), rule.sni->routes.end(),
                       [&](const auto& route) { return InPanic(*route, now); });
  std::vector<BackendFacts> facts(rule.backends.size());
  ReadFacts(rule, now, facts);
  // Slow start has no say in it.
  Shares shares(facts.size(), {rule.balance.panic_threshold_ratio, Duration::zero()});
  shares.Update(facts, Instant());
  return shares.panic();
}

Shares::Options ShareOptions(const RuleTable& rule) {
  const auto slow_start = static_cast<int64_t>(rule.balance.slow_start_ms);
  return {.panic_threshold_ratio = rule.balance.panic_threshold_ratio,
          .slow_start = std::chrono::milliseconds(slow_start)};
}

}  // namespace lb::dataplane
