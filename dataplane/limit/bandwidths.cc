#include "dataplane/limit/bandwidths.h"

#include <chrono>
#include <utility>

namespace lb::dataplane {
namespace {

constexpr std::chrono::seconds kSweepInterval{1};

// Takes the limit from what still uses its buckets.
template <typename Limits>
void Release(const Limits& before, const Limits& after, Instant now) {
  for (const auto& [name, limit] : before)
    if (after.find(name) == after.end()) limit.buckets->SetRates({}, now);
}

}  // namespace

std::shared_ptr<ClientBuckets> Bandwidths::ClientsOf(const std::string& rule,
                                                     const BandwidthRates& rates, Instant now,
                                                     Wanted& wanted) const {
  if (!rates.any()) return nullptr;
  const auto found = in_force_.clients.find(rule);
  auto& limit = wanted.clients[rule];
  if (limit.buckets == nullptr)
    limit.buckets =
        found != in_force_.clients.end()
            ? found->second.buckets
            : std::make_shared<ClientBuckets>(rates.Part(part_ratio_), PrefixLengths{}, now);
  limit.rates = rates;
  return limit.buckets;
}

std::shared_ptr<BucketPair> Bandwidths::BackendOf(const std::string& rule,
                                                  const std::string& backend,
                                                  const BandwidthRates& rates, Instant now,
                                                  Wanted& wanted) const {
  if (!rates.any()) return nullptr;
  const auto found = in_force_.backends.find({rule, backend});
  auto& limit = wanted.backends[{rule, backend}];
  limit.buckets = found != in_force_.backends.end()
                      ? found->second.buckets
                      : std::make_shared<BucketPair>(rates.Part(part_ratio_), now);
  limit.rates = rates;
  return limit.buckets;
}

void Bandwidths::Commit(Wanted wanted, Instant now) {
  Release(in_force_.clients, wanted.clients, now);
  Release(in_force_.backends, wanted.backends, now);
  in_force_ = std::move(wanted);
  Apply(now);
}

void Bandwidths::SetPart(double ratio, Instant now) {
  part_ratio_ = ratio;
  Apply(now);
}

std::vector<std::pair<Bandwidths::Name, BandwidthUse>> Bandwidths::TakeUses(Instant now,
                                                                            size_t most) {
  std::vector<std::pair<Name, BandwidthUse>> uses;
  for (const auto& [name, limit] : in_force_.backends)
    if (const auto use = TakeUse(limit.buckets, now))
      uses.emplace_back(Name{name.first, 0, name.second}, *use);
  for (const auto& [rule, limit] : in_force_.clients)
    for (const auto& [client, use] : limit.buckets->TakeUses(now))
      uses.emplace_back(Name{rule, client, ""}, use);
  if (uses.size() > most) uses.resize(most);
  return uses;
}

void Bandwidths::SetBudget(const Name& name, double upload_ratio, double download_ratio,
                           Instant until, Instant now) {
  if (name.backend.empty()) {
    const auto found = in_force_.clients.find(name.rule);
    if (found == in_force_.clients.end()) return;
    const BandwidthRates rates = found->second.rates.Part(upload_ratio, download_ratio);
    return found->second.buckets->SetBudget(name.client, rates, until, now);
  }
  const auto found = in_force_.backends.find({name.rule, name.backend});
  if (found == in_force_.backends.end()) return;
  found->second.buckets->SetRates(found->second.rates.Part(upload_ratio, download_ratio), now);
  backend_budgets_[found->first] = until;
}

void Bandwidths::Step(Instant now) {
  for (const auto& [rule, limit] : in_force_.clients) limit.buckets->EndBudgets(now);
  for (auto it = backend_budgets_.begin(); it != backend_budgets_.end();) {
    if (it->second > now) {
      ++it;
      continue;
    }
    const auto found = in_force_.backends.find(it->first);
    if (found != in_force_.backends.end())
      found->second.buckets->SetRates(found->second.rates.Part(part_ratio_), now);
    it = backend_budgets_.erase(it);
  }
  if (now < swept_at_ + kSweepInterval) return;
  const Duration elapsed = now - std::exchange(swept_at_, now);
  for (const auto& [rule, limit] : in_force_.clients) limit.buckets->Sweep(now, elapsed);
  for (const auto& [name, limit] : in_force_.backends) limit.buckets->Sample(now, elapsed);
}

void Bandwidths::Apply(Instant now) {
  for (const auto& [rule, limit] : in_force_.clients)
    limit.buckets->SetRates(limit.rates.Part(part_ratio_), now);
  for (const auto& [name, limit] : in_force_.backends)
    limit.buckets->SetRates(limit.rates.Part(part_ratio_), now);
}

}  // namespace lb::dataplane
