// The counters of all I/O threads, added up: what StatsReport and /metrics tell.
//
// Threading: the control thread; counters are read while the I/O threads write them, so totals of
// one moment may differ by what happened meanwhile.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "dataplane/snapshot/live_state.h"

namespace lb::dataplane {

struct RuleTotals {
  uint64_t connections_total = 0;
  uint64_t connections = 0;  // Open now.
  uint64_t received_bytes = 0;
  uint64_t sent_bytes = 0;
  uint64_t retries = 0;
  uint64_t queued_total = 0;
  uint64_t queued = 0;  // Waiting now.
  uint64_t would_refuse = 0;
  uint64_t handshakes_total = 0;
  uint64_t resumed_handshakes_total = 0;
  uint64_t handshakes = 0;  // Under way now.
  std::array<uint64_t, static_cast<size_t>(HandshakeFailure::kCount)> handshake_failures{};
  std::map<std::string, uint64_t> sni;  // Connections by the first name of their route.
  bool panic = false;                   // Not a counter: see StatsLane.
  std::array<uint64_t, static_cast<size_t>(RefuseReason::kCount)> refused{};
  std::array<uint64_t, static_cast<size_t>(CloseReason::kCount)> closed{};

  friend bool operator==(const RuleTotals&, const RuleTotals&) = default;
};

struct BackendTotals {
  uint64_t connects_total = 0;
  uint64_t connections = 0;  // Open now.
  uint64_t sent_bytes = 0;
  uint64_t received_bytes = 0;
  uint64_t ports_exhausted = 0;
  uint64_t drain_closed = 0;
  uint64_t handshakes_total = 0;
  uint64_t resumed_handshakes_total = 0;
  std::array<uint64_t, static_cast<size_t>(ConnectFailure::kCount)> connect_failures{};
  uint64_t ejections = 0;
  // Of the newest ejection.
  bool ejected = false;  // It is left out now.
  Instant ejected_until = Instant::min();
  ConnectFailure ejection_reason = ConnectFailure::kOther;
  uint32_t ejection_failures = 0;  // In a row.

  friend bool operator==(const BackendTotals&, const BackendTotals&) = default;
};

// Sums over the I/O threads.
RuleTotals Total(const RuleState& state);
BackendTotals Total(const BackendState& state);

}  // namespace lb::dataplane
