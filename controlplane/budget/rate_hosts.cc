// What RateLedger does with other hosts.
#include <algorithm>
#include <cmath>
#include <utility>

#include "controlplane/budget/rate_ledger.h"

namespace lb::controlplane {
namespace {

// One that waits that long is left out: what was told of it does not hold much longer.
constexpr Duration kFresh = SharedBucket::kGone - std::chrono::milliseconds(500);
// One of which there is something to say again is left out when it waited so long.
constexpr std::chrono::milliseconds kMayWait{500};
// Of a word that much is for those that cannot wait, at most.
constexpr double kForUrgent = 0.75;
// Looked at for each word: those that wait longest, and those that wait too long.
constexpr size_t kLooked = 512;
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

void RateLedger::ReportHost(const std::string& host, const std::vector<Usage>& usage,
                            double watermark_ratio, Instant now) {
  NoteLateTurn(now);
  std::erase_if(words_,
                [&](const auto& word) { return now - word.second.heard_at > SharedBucket::kGone; });
  words_[host] = {now, watermark_ratio};
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
  words_.erase(host);
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

void RateLedger::SetPlace(const DueKey& key, Client& client, std::optional<Instant> place) {
  if (client.place) queue_.Remove({*client.place, key});
  client.place = place;
  if (place) queue_.Add({*place, key});
}

void RateLedger::Enqueue(const DueKey& key, Client& client, Instant now) {
  SetPlace(key, client, now - kFresh + kMayWait);
}

void RateLedger::NoteUrgent(const DueKey& key) {
  has_news_ = true;
  queue_.SetUrgent(key);
}

RateLedger::Client* RateLedger::FindClient(const DueKey& key) {
  return const_cast<Client*>(Find(key.first, key.second));
}

// Of those that wait longest. The ones that there is nothing to say of any more leave the queue.
std::vector<RateLedger::DueKey> RateLedger::MostChanged(size_t most, Instant now) {
  std::vector<std::pair<double, DueKey>> news;
  for (DueKey& key : queue_.Oldest(kLooked)) {
    Client& client = *FindClient(key);
    if (client.told_at == now) continue;
    const double score = NewsOf(client, limits_.at(key.first).limit, now);
    if (score > 0)
      news.emplace_back(score, std::move(key));
    else if (client.idle)
      SetPlace(key, client, std::nullopt);
  }
  const size_t taken = std::min(most, news.size());
  std::partial_sort(news.begin(), news.begin() + static_cast<std::ptrdiff_t>(taken), news.end(),
                    [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<DueKey> keys;
  for (size_t i = 0; i < taken; ++i) keys.push_back(std::move(news[i].second));
  return keys;
}

RateLedger::Usage RateLedger::Tell(const DueKey& key, Client& client, Instant now) {
  if (!client.first_told_at) client.first_told_at = now;
  client.told_at = now;
  SetPlace(key, client, now);
  if (client.told_demand_per_s == 0) client.announced_at = now;
  const bool last = DemandOf(client) == 0 && client.bucket.used() == client.told_used;
  client.last_words = last ? client.last_words + 1 : 0;
  client.told_demand_per_s = DemandOf(client);
  client.told_used = client.bucket.used();
  return {key.first,
          key.second,
          client.told_demand_per_s,
          client.bucket.slow_demand_per_s(),
          static_cast<uint32_t>(client.told_used),
          now - *client.first_told_at <= kYoung};
}

std::vector<RateLedger::Usage> RateLedger::TakeUsage(size_t most, Instant now) {
  std::vector<Usage> usage;
  const auto for_urgent = static_cast<size_t>(kForUrgent * static_cast<double>(most));
  for (const DueKey& key : queue_.TakeUrgent(for_urgent)) {
    Client* const client = FindClient(key);
    if (client != nullptr && client->place && NewsOf(*client, limits_.at(key.first).limit, now) > 0)
      usage.push_back(Tell(key, *client, now));
  }
  for (const DueKey& key : MostChanged(most - usage.size(), now))
    usage.push_back(Tell(key, *FindClient(key), now));
  NoteLeftOut(now);
  has_news_ = queue_.has_urgent() || left_out().clients > 0;
  return usage;
}

// Everybody is seen in turn, some with each word.
void RateLedger::NoteLeftOut(Instant now) {
  bool all_seen = false;
  for (const DueKey& key : queue_.NextBefore(now - kFresh, kLooked, all_seen)) {
    const Client& client = *FindClient(key);
    const double demand = DemandOf(client);
    if (demand == 0) continue;
    ++left_out_.clients;
    left_out_.watermark_ratio =
        std::max(left_out_.watermark_ratio, demand / limits_.at(key.first).limit.rate_per_s);
  }
  if (all_seen) seen_left_out_ = std::exchange(left_out_, {});
}

RateLedger::LeftOut RateLedger::left_out() const {
  return {std::max(seen_left_out_.clients, left_out_.clients),
          std::max(seen_left_out_.watermark_ratio, left_out_.watermark_ratio)};
}

std::optional<SharedBucket::HostUse> RateLedger::FindHost(const std::string& rule, uint64_t prefix,
                                                          const std::string& host,
                                                          Instant now) const {
  const Client* const client = Find(rule, prefix);
  if (client == nullptr) return std::nullopt;
  return client->bucket.FindHost(host, ShareOf(limits_.at(rule).limit), now);
}

bool RateLedger::LeavesOut(const std::string& host) const {
  const auto word = words_.find(host);
  return word != words_.end() && word->second.watermark_ratio > 0;
}

}  // namespace lb::controlplane
