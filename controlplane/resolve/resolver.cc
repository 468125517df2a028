#include "controlplane/resolve/resolver.h"

#include <algorithm>

#include "base/check.h"

namespace lb::controlplane {
namespace {

std::vector<Endpoint> SortedOnce(std::vector<Endpoint> addresses) {
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  if (addresses.size() > Resolver::kMaxAddresses) addresses.resize(Resolver::kMaxAddresses);
  return addresses;
}

}  // namespace

void Resolver::SetNames(const std::vector<Endpoint>& names, const DnsConfig& dns, Instant now) {
  const std::set<Endpoint> wanted(names.begin(), names.end());
  std::erase_if(addresses_, [&](const auto& entry) { return !wanted.contains(entry.first); });
  std::erase_if(names_, [&](const auto& entry) {
    if (wanted.contains(entry.first)) return false;
    due_.erase({entry.second.due, entry.first});
    if (entry.second.in_flight) in_flight_.erase(*entry.second.in_flight);
    return true;
  });
  const bool all_due = dns != dns_;
  dns_ = dns;
  for (const Endpoint& endpoint : names) {
    const auto [it, added] = names_.try_emplace(endpoint);
    if (added || all_due) it->second.backoff = Duration{0};
    if ((added || all_due) && !it->second.in_flight) Schedule(endpoint, it->second, now);
  }
}

bool Resolver::Done(const Resolved& answer, Instant now) {
  const auto query = in_flight_.find(answer.query);
  if (query == in_flight_.end()) return false;
  const Endpoint endpoint = query->second;
  in_flight_.erase(query);
  const auto it = names_.find(endpoint);
  LB_CHECK(it != names_.end());
  Name& name = it->second;
  name.in_flight.reset();
  name.tried = true;
  name.error = answer.error;
  if (name.error.ok() && answer.endpoints.empty())
    name.error = absl::NotFoundError("the answer has no address");
  if (!name.error.ok()) {
    ++failures_total_;
    name.backoff = std::clamp<Duration>(name.backoff * 2, kBackoffMin, kBackoffMax);
    Schedule(endpoint, name, now + name.backoff);
    return false;
  }
  name.backoff = Duration{0};
  Schedule(endpoint, name, now + std::clamp(answer.ttl, dns_.min_ttl, dns_.max_ttl));
  std::vector<Endpoint> addresses = SortedOnce(answer.endpoints);
  std::vector<Endpoint>& known = addresses_[endpoint];
  if (known == addresses) return false;
  known = std::move(addresses);
  return true;
}

const Endpoint* Resolver::NameOf(QueryId query) const {
  const auto it = in_flight_.find(query);
  return it == in_flight_.end() ? nullptr : &it->second;
}

void Resolver::Run(Instant now, std::vector<Action>& actions) {
  while (!due_.empty() && due_.begin()->first <= now) {
    const Endpoint endpoint = due_.begin()->second;
    due_.erase(due_.begin());
    Name& name = names_.at(endpoint);
    LB_CHECK(!name.in_flight);
    name.in_flight = next_query_++;
    in_flight_.emplace(*name.in_flight, endpoint);
    ++queries_total_;
    actions.push_back(ResolveName{.query = *name.in_flight, .name = endpoint, .dns = dns_});
  }
}

Instant Resolver::NextDeadline() const {
  return due_.empty() ? Instant::max() : due_.begin()->first;
}

bool Resolver::EachTried() const {
  return std::all_of(names_.begin(), names_.end(), [&](const auto& entry) {
    return entry.second.tried || addresses_.contains(entry.first);
  });
}

absl::Status Resolver::LastError(const Endpoint& name) const {
  const auto it = names_.find(name);
  return it == names_.end() ? absl::OkStatus() : it->second.error;
}

void Resolver::Schedule(const Endpoint& endpoint, Name& name, Instant due) {
  due_.erase({name.due, endpoint});
  name.due = due;
  due_.insert({due, endpoint});
}

}  // namespace lb::controlplane
