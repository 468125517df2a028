#include "controlplane/tls/expiry_notices.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "controlplane/tls/pem.h"

namespace lb::controlplane {
namespace {

constexpr int64_t kDayS = 86'400;

// Nearest first.
constexpr std::array<int64_t, 5> kThresholdsDays{0, 1, 7, 14, 30};

// The nearest threshold that has been passed, in days.
std::optional<int64_t> Passed(const Lifetime& lifetime, int64_t now_s) {
  if (lifetime.end_s == 0) return std::nullopt;
  for (const int64_t days : kThresholdsDays) {
    const int64_t before_s = NearS(lifetime, days * kDayS);
    if (lifetime.end_s - now_s <= before_s) return (before_s + kDayS - 1) / kDayS;
  }
  return std::nullopt;
}

std::array<std::pair<bool, Lifetime>, 2> LifetimesOf(const CertificateKey& key,
                                                     const CertificateEntry& entry) {
  return {{{false, LifetimeOf(key, entry)}, {true, ResponseLifetimeOf(entry)}}};
}

}  // namespace

std::vector<ExpiryNotice> ExpiryNotices::Take(const CertificateBook& book, WallTime now) {
  std::vector<ExpiryNotice> notices;
  decltype(told_) told;
  for (const auto& [key, entry] : book.entries()) {
    for (const auto& [response, lifetime] : LifetimesOf(key, entry)) {
      const std::optional<int64_t> days = Passed(lifetime, SecondsOf(now));
      if (!days) continue;
      const auto before = told_.find({key, response});
      const bool known = before != told_.end() && before->second.end_s == lifetime.end_s &&
                         before->second.days_left <= *days;
      if (!known) notices.push_back({key, response, *days});
      told[{key, response}] = known ? before->second : Told{lifetime.end_s, *days};
    }
  }
  told_ = std::move(told);
  return notices;
}

int64_t ExpiryNotices::SecondsToNext(const CertificateBook& book, int64_t now_s) {
  int64_t next_s = INT64_MAX;
  for (const auto& [key, entry] : book.entries()) {
    for (const auto& [response, lifetime] : LifetimesOf(key, entry)) {
      for (const int64_t days : kThresholdsDays) {
        const int64_t left_s = lifetime.end_s - NearS(lifetime, days * kDayS) - now_s;
        if (left_s > 0) next_s = std::min(next_s, left_s);
      }
    }
  }
  return next_s;
}

}  // namespace lb::controlplane
