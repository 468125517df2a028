#include "controlplane/tls/expiry_notices.h"

#include <array>
#include <optional>
#include <utility>

#include "controlplane/tls/pem.h"
#include "controlplane/tls/wanted_files.h"

namespace lb::controlplane {
namespace {

constexpr int64_t kDayS = 86'400;

// Nearest first.
constexpr std::array kThresholdsDays{0, 1, 7, 14, 30};

// The nearest threshold that has been passed.
std::optional<int> Passed(int64_t end_s, int64_t now_s) {
  if (end_s == 0) return std::nullopt;
  for (const int days : kThresholdsDays)
    if (end_s - now_s <= days * kDayS) return days;
  return std::nullopt;
}

}  // namespace

std::vector<ExpiryNotice> ExpiryNotices::Take(const CertificateBook& book, WallTime now) {
  std::vector<ExpiryNotice> notices;
  std::map<CertificateKey, Told> told;
  for (const auto& [key, entry] : book.entries()) {
    if (key.file == kSystemAuthorities) continue;  // The system takes care of them.
    const std::optional<int> days = Passed(entry.facts.not_after_s, SecondsOf(now));
    if (!days) continue;
    const auto before = told_.find(key);
    const bool known =
        before != told_.end() && before->second.id == entry.id && before->second.days_left <= *days;
    if (!known) notices.push_back({key, *days});
    told[key] = known ? before->second : Told{entry.id, *days};
  }
  told_ = std::move(told);
  return notices;
}

}  // namespace lb::controlplane
