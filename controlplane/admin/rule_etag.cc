// The etag of a rule.
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "controlplane/admin/etags.h"
#include "controlplane/snapshot/encode.h"

namespace lb::controlplane {
namespace {

// Cheap enough for the longest lists, however often a rule is looked at. By the multiplier of
// Knuth's MMIX generator (TAOCP 2, 3.3.4).
uint64_t FoldOf(const std::vector<Cidr>& networks) {
  constexpr uint64_t kMultiplier = 6'364'136'223'846'793'005;
  uint64_t fold = networks.size();
  const auto add = [&fold](uint64_t word) {
    fold = (fold ^ word) * kMultiplier;
    fold ^= fold >> 32;
  };
  for (const Cidr& network : networks) {
    uint64_t halves[2];
    static_assert(sizeof halves == sizeof network.prefix());
    std::memcpy(halves, network.prefix().data(), sizeof halves);
    add(halves[0]);
    add(halves[1]);
    add(network.bits());
  }
  return fold;
}

}  // namespace

std::string EtagOf(const LiveRule& rule) {
  LiveRule told = rule;
  std::string content;
  for (std::vector<Cidr>* networks : {&told.allow, &told.deny, &told.proxy_protocol.from}) {
    absl::StrAppend(&content, FoldOf(*networks), " ");
    networks->clear();
  }
  // All that workers are told of it, and what they are not.
  absl::StrAppend(&content, rule.own_rate_limit, rule.own_bandwidth_limit, " ",
                  Encode({std::move(told)}).digest);
  for (const LiveBackend& backend : rule.backends)
    absl::StrAppend(&content, "\n", backend.weight, " ", backend.admin_state);
  for (const UnresolvedBackend& backend : rule.unresolved)
    absl::StrAppend(&content, "\n", backend.name, " ", backend.Place(), " ", backend.weight);
  return QuotedEtag(content);
}

}  // namespace lb::controlplane
