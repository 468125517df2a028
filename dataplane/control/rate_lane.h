// The lane of rate limits in one stream: shares and budgets down, busy clients up. Threading: the
// control thread.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "base/time.h"
#include "dataplane/limit/bandwidths.h"
#include "dataplane/limit/client_limits.h"
#include "dataplane/limit/rate_limiters.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::dataplane {

class RateLane final {
 public:
  // A client's counts go out at most this often.
  static constexpr std::chrono::milliseconds kInterval{50};
  // Likewise the use of bandwidth limits.
  static constexpr std::chrono::milliseconds kBandwidthInterval{100};
  // Clients in one message.
  static constexpr size_t kMaxClients = 2'000;
  // Uses of bandwidth limits told at a time; those of others are told next time.
  static constexpr size_t kMaxUses = 8'000;

  // All outlive the lane.
  RateLane(RateLimiters& limiters, Bandwidths& bandwidths, ClientLimits& client_limits)
      : limiters_(limiters), bandwidths_(bandwidths), client_limits_(client_limits) {
    client_limits_.StreamBegan();
  }

  // Takes shares and budgets; InvalidArgument, and nothing is changed, for a number that no limiter
  // can work with.
  absl::Status Take(const lb::worker::v1::RateGrant& grant, Instant now);

  // Appends what changed since the last call; the first call of a stream tells all.
  void Report(Instant now, std::vector<lb::worker::v1::ConnectRequest>& out);

 private:
  void TakeClientSlots(const lb::worker::v1::RateGrant& grant, Instant now);
  void ReportBandwidths(Instant now, std::vector<lb::worker::v1::ConnectRequest>& out);
  void ReportClientSlots(Instant now, std::vector<lb::worker::v1::ConnectRequest>& out);

  RateLimiters& limiters_;
  Bandwidths& bandwidths_;
  ClientLimits& client_limits_;
  bool told_all_ = false;
  Instant bandwidths_told_at_{};
  Instant client_slots_told_at_{};
};

}  // namespace lb::dataplane
