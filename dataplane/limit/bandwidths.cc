#include "dataplane/limit/bandwidths.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace lb::dataplane {
namespace {

constexpr std::chrono::seconds kSampleInterval{1};

}  // namespace

std::shared_ptr<ClientBuckets> Bandwidths::ClientsOf(const std::string& rule,
                                                     const BandwidthRates& rates, Instant now,
                                                     Wanted& wanted, bool shared) const {
  if (!rates.any()) return nullptr;
  const auto found = in_force_.clients.find(rule);
  auto& limit = wanted.clients[rule];
  if (limit.buckets == nullptr)
    limit.buckets =
        found != in_force_.clients.end()
            ? found->second.buckets
            : std::make_shared<ClientBuckets>(rates, PartOf(shared), PrefixLengths{}, now);
  limit.rates = rates;
  limit.shared = shared;
  return limit.buckets;
}

std::shared_ptr<BucketPair> Bandwidths::BackendOf(const std::string& rule,
                                                  const std::string& backend,
                                                  const BandwidthRates& rates, Instant now,
                                                  Wanted& wanted, bool shared) const {
  if (!rates.any()) return nullptr;
  const auto found = in_force_.backends.find({rule, backend});
  auto& limit = wanted.backends[{rule, backend}];
  limit.buckets = found != in_force_.backends.end()
                      ? found->second.buckets
                      : std::make_shared<BucketPair>(rates.Part(PartOf(shared)), now);
  limit.rates = rates;
  limit.shared = shared;
  return limit.buckets;
}

void Bandwidths::Commit(Wanted wanted, Instant now) {
  in_force_ = std::move(wanted);
  Apply(now);
}

void Bandwidths::SetParts(const Parts& parts, Instant now) {
  parts_ = parts;
  Apply(now);
}

bool Bandwidths::reports() const {
  const auto is_divided = [&](const auto& entry) { return PartOf(entry.second.shared) < 1; };
  return std::any_of(in_force_.clients.begin(), in_force_.clients.end(), is_divided) ||
         std::any_of(in_force_.backends.begin(), in_force_.backends.end(), is_divided);
}

std::vector<std::pair<Bandwidths::Name, BandwidthUse>> Bandwidths::TakeUses(Instant now,
                                                                            size_t most) {
  std::vector<std::pair<Name, BandwidthUse>> uses;
  for (const auto& [name, limit] : in_force_.backends) {
    if (PartOf(limit.shared) == 1) continue;
    if (const auto use = TakeUse(*limit.buckets, now))
      uses.emplace_back(Name{name.first, 0, name.second}, *use);
  }
  for (const auto& [rule, limit] : in_force_.clients) {
    if (uses.size() >= most) break;
    if (PartOf(limit.shared) == 1) continue;
    for (const auto& [client, use] : limit.buckets->TakeUses(now, most - uses.size()))
      uses.emplace_back(Name{rule, client, ""}, use);
  }
  return uses;
}

void Bandwidths::SetBudget(const Name& name, const BandwidthBudget& budget, Instant now) {
  if (name.backend.empty()) {
    const auto found = in_force_.clients.find(name.rule);
    if (found != in_force_.clients.end())
      found->second.buckets->SetBudget(name.client, budget, now);
    return;
  }
  const auto found = in_force_.backends.find({name.rule, name.backend});
  if (found == in_force_.backends.end()) return;
  found->second.buckets->SetRates(found->second.rates.Part(budget), now);
  backend_budgets_[found->first] = budget;
}

void Bandwidths::Step(Instant now) {
  for (const auto& [rule, limit] : in_force_.clients) limit.buckets->EndBudgets(now);
  for (auto it = backend_budgets_.begin(); it != backend_budgets_.end();) {
    if (it->second.until > now) {
      ++it;
      continue;
    }
    const auto found = in_force_.backends.find(it->first);
    if (found != in_force_.backends.end())
      found->second.buckets->SetRates(found->second.rates.Part(PartOf(found->second.shared)), now);
    it = backend_budgets_.erase(it);
  }
  for (const auto& [rule, limit] : in_force_.clients) limit.buckets->Sweep(now);
  if (now < sampled_at_ + kSampleInterval) return;
  const Duration elapsed = now - std::exchange(sampled_at_, now);
  for (const auto& [name, limit] : in_force_.backends) limit.buckets->Sample(now, elapsed);
}

void Bandwidths::Apply(Instant now) {
  for (const auto& [rule, limit] : in_force_.clients)
    limit.buckets->SetRates(limit.rates, PartOf(limit.shared), now);
  for (const auto& [name, limit] : in_force_.backends) {
    const auto budget = backend_budgets_.find(name);
    limit.buckets->SetRates(budget == backend_budgets_.end()
                                ? limit.rates.Part(PartOf(limit.shared))
                                : limit.rates.Part(budget->second),
                            now);
  }
}

}  // namespace lb::dataplane
