#include "controlplane/discovery/service_book.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace lb::controlplane {
namespace {

bool AnyRefused(const std::map<ServiceRef, ServiceBook::Known>& all) {
  return std::any_of(all.begin(), all.end(), [](const auto& entry) {
    return entry.second.trouble == ServiceBook::Trouble::kTooMany;
  });
}

}  // namespace

void ServiceBook::SetConfig(const Config& config) {
  std::map<ServiceRef, size_t> uses;
  for (const RuleConfig& rule : config.rules)
    for (const BackendConfig& backend : rule.backends)
      if (backend.service) ++uses[*backend.service];
  const size_t before = known_.size();
  std::erase_if(services_, [&](const auto& entry) { return !uses.contains(entry.first); });
  std::erase_if(known_, [&](const auto& entry) { return !uses.contains(entry.first); });
  watches_are_old_ |= known_.size() != before;
  for (const auto& [service, count] : uses) {
    const auto [it, added] = known_.try_emplace(service);
    it->second.uses = count;
    watches_are_old_ |= added;
  }
  watches_are_old_ |= !known_.empty() && (kubernetes_ != config.kubernetes || dns_ != config.dns);
  watches_are_old_ |= AnyRefused(known_);  // Fewer backends may name a Service.
  kubernetes_ = config.kubernetes;
  dns_ = config.dns;
}

ServiceBook::News ServiceBook::Found(const ServiceFound& event) {
  const auto it = known_.find(event.service);
  if (it == known_.end()) return {};
  Known& known = it->second;
  known.tried = true;
  const size_t count = event.endpoints.size();
  if (count > kMaxEndpoints)
    return Refuse(known, Trouble::kTooMany,
                  absl::ResourceExhaustedError(
                      absl::StrCat(count, " endpoints; at most ", kMaxEndpoints, " are used")));
  if (const size_t all = BackendsWith(event.service, count); all > kMaxBackends)
    return Refuse(known, Trouble::kTooMany,
                  absl::ResourceExhaustedError(absl::StrCat(
                      count, " endpoints would make ", all,
                      " backends of all Services together; at most ", kMaxBackends, " are used")));
  News news{.trouble = known.trouble != Trouble::kNone};
  known.trouble = Trouble::kNone;
  known.error = absl::OkStatus();
  known.synced = true;
  known.why_none = event.why_none;
  const auto [at, added] = services_.try_emplace(event.service);
  news.endpoints = added || at->second != event.endpoints;
  news.emptied = count == 0 && (added || !at->second.empty());
  // One that was refused for want of room may have it now, and its watch tells only changes.
  watches_are_old_ |= count < at->second.size() && AnyRefused(known_);
  if (news.endpoints) at->second = event.endpoints;
  return news;
}

ServiceBook::News ServiceBook::Lost(const ServiceLost& event) {
  const auto it = known_.find(event.service);
  if (it == known_.end()) return {};
  it->second.tried = true;
  return Refuse(it->second, Trouble::kLost, event.error);
}

ServiceBook::News ServiceBook::Refuse(Known& known, Trouble trouble, absl::Status error) {
  const bool news = known.trouble != trouble;
  known.synced = false;
  known.trouble = trouble;
  known.error = std::move(error);
  return {.trouble = news};
}

size_t ServiceBook::BackendsWith(const ServiceRef& service, size_t count) const {
  size_t all = 0;
  for (const auto& [one, known] : known_) {
    const auto endpoints = services_.find(one);
    const size_t has = endpoints == services_.end() ? 0 : endpoints->second.size();
    all += known.uses * (one == service ? count : has);
  }
  return all;
}

void ServiceBook::Run(std::vector<Action>& actions) {
  if (!std::exchange(watches_are_old_, false)) return;
  WatchServices watch{.kubernetes = kubernetes_, .dns = dns_};
  for (const auto& [service, known] : known_) watch.services.push_back(service);
  actions.push_back(std::move(watch));
}

bool ServiceBook::EachTried() const {
  return std::all_of(known_.begin(), known_.end(), [&](const auto& entry) {
    return entry.second.tried || services_.contains(entry.first);
  });
}

const ServiceBook::Known* ServiceBook::Find(const ServiceRef& service) const {
  const auto it = known_.find(service);
  return it == known_.end() ? nullptr : &it->second;
}

}  // namespace lb::controlplane
