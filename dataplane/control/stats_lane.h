// The statistics of one session: everything in the first report, then what changed.
//
// Totals, not differences: a lost report loses nothing. Threading: the control thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "dataplane/control/totals.h"
#include "dataplane/snapshot/state_registry.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::dataplane {

class StatsLane final {
 public:
  // Entries of one message, routes of rules too, so that it stays well below a mebibyte with the
  // longest names.
  static constexpr size_t kMaxEntries = 1'000;
  // Most lines of one report about connects that failed, at level debug.
  static constexpr int kMaxLogLines = 20;

  // What the registry does not know.
  struct Facts {
    uint64_t connections = 0;        // Client connections open now.
    const Tables* tables = nullptr;  // In force; nullptr: none yet.
    std::string access_log_error{};  // See AccessLog::error.
  };

  // `registry` outlives the lane.
  explicit StatsLane(const StateRegistry& registry) : registry_(registry) {}

  // Returns at least one report.
  std::vector<lb::worker::v1::ConnectRequest> Report(const Facts& facts, Instant now);

 private:
  // The report that `entries` more go to.
  lb::worker::v1::StatsReport& Room(const Facts& facts, size_t entries,
                                    std::vector<lb::worker::v1::ConnectRequest>& reports);

  const StateRegistry& registry_;
  uint64_t seq_ = 0;
  size_t entries_ = 0;  // Of the newest report.
  std::map<std::string, RuleTotals> rules_;
  std::map<BackendKey, BackendTotals> backends_;
};

}  // namespace lb::dataplane
