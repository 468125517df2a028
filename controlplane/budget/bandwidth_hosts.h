// What other hosts said that they use of the bandwidth limits that are shared: by number, so that
// what nobody uses here is known when somebody begins. Pure; threading: none.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "controlplane/budget/bandwidth_use.h"

namespace lb::controlplane {

class BandwidthHosts final {
 public:
  // A use that was not told again for so long is over.
  static constexpr std::chrono::seconds kForgetAfter{2};
  // Twice as many as one tells of (BandwidthExchange::kMaxTold).
  static constexpr size_t kMaxUsesOfHost = 2'048;

  // A host said so; more than kMaxUsesOfHost are left out.
  void Take(const std::string& host, const std::vector<BandwidthUse>& uses, Instant now);
  void Forget(const std::string& host) { hosts_.erase(host); }
  void Clear() { hosts_.clear(); }

  // One for each host that uses it.
  std::vector<BandwidthUse> Of(BandwidthId id, Instant now) const;
  // All that is kept, also what is over.
  size_t size() const;

 private:
  struct Heard {
    BandwidthUse use;
    Instant at;
  };
  using Uses = std::map<BandwidthId, Heard>;

  static bool IsOver(const Heard& heard, Instant now) { return heard.at + kForgetAfter <= now; }

  std::map<std::string, Uses> hosts_;  // By name.
};

}  // namespace lb::controlplane
