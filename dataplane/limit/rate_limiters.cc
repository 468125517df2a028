#include "dataplane/limit/rate_limiters.h"

#include <utility>

namespace lb::dataplane {

std::shared_ptr<RateLimiter> RateLimiters::FindOrMake(const std::string& rule,
                                                      const RateLimiter::Settings& settings) const {
  const auto known = limiters_.find(rule);
  if (known != limiters_.end() &&
      known->second.settings.prefix_lengths == settings.prefix_lengths &&
      known->second.settings.max_clients == settings.max_clients)
    return known->second.limiter;
  return std::make_shared<RateLimiter>(settings, shares_, key_);
}

void RateLimiters::Commit(ByRule limiters, Instant now) {
  limiters_ = std::move(limiters);
  for (auto& [rule, named] : limiters_) named.limiter->SetLimit(named.settings, now);
}

void RateLimiters::StreamEnded(Instant now) {
  const double ratio = shares_.fallback_ratio;
  SetShares({.quiet_ratio = ratio, .report_ratio = 0, .fallback_ratio = ratio}, now);
}

void RateLimiters::SetShares(const RateLimiter::Shares& shares, Instant now) {
  shares_ = shares;
  for (auto& [rule, named] : limiters_) named.limiter->SetShares(shares, now);
}

RateLimiter* RateLimiters::Find(const std::string& rule) const {
  const auto known = limiters_.find(rule);
  return known == limiters_.end() ? nullptr : known->second.limiter.get();
}

bool RateLimiters::IsOfIdentities(std::string_view name) {
  return name.find(kIdentities) != std::string_view::npos;
}

void RateLimiters::Step(Instant now) {
  for (auto& [rule, named] : limiters_) named.limiter->Step(now);
}

}  // namespace lb::dataplane
