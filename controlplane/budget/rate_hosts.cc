// What RateLedger does with other hosts.
#include <algorithm>
#include <cmath>
#include <utility>

#include "controlplane/budget/rate_ledger.h"

namespace lb::controlplane {
namespace {

// So long after its first word a host says that all it used is news, in case that word was lost.
constexpr std::chrono::seconds kYoung{1};
// In which all others have said something; longer than two of their words are apart.
constexpr std::chrono::milliseconds kAnswerWithin{210};
// Of what is told: part by age, the rest by how much it changed.
constexpr double kByAge = 0.1;
// That nothing is asked for any more is said so often, in case it is lost.
constexpr int kLastWords = 3;
constexpr double kUrgent = 0.5;  // Of what was told: more cannot wait.
constexpr double kSteady = 0.1;  // Of the limit: smaller changes count less.

double Seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

// Nobody looks at the demand of those who are idle.
double DemandOf(const RateLedger::Client& client) {
  return client.idle ? 0 : client.bucket.demand_per_s();
}

}  // namespace

void RateLedger::ReportHost(const std::string& host, const std::vector<Usage>& usage, Instant now) {
  NoteLateTurn(now);
  for (const Usage& told : usage) {
    const auto at = limits_.find(told.rule);
    if (at == limits_.end()) continue;
    const DueKey due{told.rule, told.prefix};
    Client* const client = FindOrMake(due, at->second, now);
    if (client == nullptr) continue;
    const SharedBucket::HostTold counts{told.demand_per_s, told.slow_demand_per_s, told.used,
                                        told.young};
    const bool look = client->bucket.ReportHost(host, counts, ShareOf(at->second.limit), now);
    const bool back = client->idle && client->bucket.moved_at() == now;
    if (!look && !back) continue;
    SetIdle(*client, false);
    SetDue(due, *client, now);
  }
}

const std::string* RateLedger::FindRule(uint32_t hash) const {
  const auto at = rules_.find(hash);
  return at == rules_.end() ? nullptr : &at->second;
}

void RateLedger::ForgetHost(const std::string& host) {
  for (auto& [rule, shared] : limits_)
    for (auto& [prefix, client] : shared.clients) client.bucket.ForgetHost(host);
}

bool RateLedger::IsNews(const Client& client, const Limit& limit) const {
  const double even = limit.rate_per_s / ShareOf(limit).members;
  return std::abs(DemandOf(client) - client.told_demand_per_s) >
         kUrgent * std::max(client.told_demand_per_s, even);
}

bool RateLedger::IsUnanswered(const Client& client, Instant now) const {
  if (!parts_.has_others()) return false;
  return client.told_demand_per_s == 0 || now < client.announced_at + kAnswerWithin;
}

// 0: there is nothing to say.
double RateLedger::NewsOf(const Client& client, const Limit& limit, Instant now) const {
  const double demand = DemandOf(client);
  const bool quiet = demand == 0 && client.told_demand_per_s == 0;
  const bool same = quiet && client.bucket.used() == client.told_used;
  if (same && client.last_words >= kLastWords) return 0;
  const double change = std::abs(demand - client.told_demand_per_s) /
                        (kSteady * limit.rate_per_s + client.told_demand_per_s);
  return Seconds(now - client.told_at) * (kByAge + std::min(1.0, change));
}

std::vector<RateLedger::Usage> RateLedger::TakeUsage(size_t most, Instant now) {
  has_news_ = false;
  struct News {
    double score;
    const std::string* rule;
    uint64_t prefix;
    Client* client;
  };
  std::vector<News> news;
  for (auto& [rule, shared] : limits_) {
    for (auto& [prefix, client] : shared.clients) {
      const double score = NewsOf(client, shared.limit, now);
      if (score > 0) news.push_back({score, &rule, prefix, &client});
    }
  }
  const size_t taken = std::min(most, news.size());
  std::partial_sort(news.begin(), news.begin() + static_cast<std::ptrdiff_t>(taken), news.end(),
                    [](const News& a, const News& b) { return a.score > b.score; });
  news.resize(taken);
  std::vector<Usage> usage;
  for (const News& one : news) {
    Client& client = *one.client;
    if (!client.first_told_at) client.first_told_at = now;
    client.told_at = now;
    if (client.told_demand_per_s == 0) client.announced_at = now;
    const bool last = DemandOf(client) == 0 && client.bucket.used() == client.told_used;
    client.last_words = last ? client.last_words + 1 : 0;
    client.told_demand_per_s = DemandOf(client);
    client.told_used = client.bucket.used();
    usage.push_back({*one.rule, one.prefix, client.told_demand_per_s,
                     client.bucket.slow_demand_per_s(), static_cast<uint32_t>(client.told_used),
                     now - *client.first_told_at <= kYoung});
  }
  return usage;
}

}  // namespace lb::controlplane
