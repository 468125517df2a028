// A word about bandwidth of any bytes: DecodeBandwidths decides within its bounds, what was read
// can be written again, and a ledger that takes it divides a limit into parts of it.

#include <chrono>
#include <string>
#include <string_view>

#include "base/check.h"
#include "controlplane/budget/bandwidth_hosts.h"
#include "controlplane/budget/bandwidth_ledger.h"
#include "controlplane/budget/bandwidth_word.h"

using lb::controlplane::BandwidthHosts;
using lb::controlplane::BandwidthLedger;
using lb::controlplane::DecodeBandwidths;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto uses = DecodeBandwidths({reinterpret_cast<const char*>(data), size});
  if (!uses) return 0;
  const auto texts = EncodeBandwidths(*uses);
  LB_CHECK(texts.size() == (uses->empty() ? 0 : 1));
  if (!texts.empty()) LB_CHECK(DecodeBandwidths(texts[0]) == uses);
  const lb::Instant now(std::chrono::hours(1'000));
  BandwidthHosts hosts;
  hosts.Take("b", *uses, now);
  LB_CHECK(hosts.size() <= uses->size());
  BandwidthLedger ledger;
  ledger.SetLimits({{{"", false}, {1'000, 1'000'000, true}}});
  lb::worker::v1::RateReport report;
  report.add_bandwidths()->set_prefix(7);
  ledger.ReportHost("b", *uses, now);
  ledger.Report({"w", "1"}, report, now);
  for (const auto& to : ledger.Settle(now))
    for (const auto& budget : to.message.rates().bandwidths())
      LB_CHECK(budget.download_ratio() > 0 && budget.download_ratio() <= 1 &&
               budget.upload_ratio() > 0 && budget.upload_ratio() <= 1);
  return 0;
}
