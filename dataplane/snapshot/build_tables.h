// From the control plane's Snapshot to the worker's tables: checks everything again, so that no
// I/O thread ever meets a value out of range.
//
// All or nothing: either tables, or every problem at once and nothing changed. Not a hot path.
// Threading: the control thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "dataplane/snapshot/state_registry.h"
#include "dataplane/snapshot/tables.h"

namespace lb::type::v1 {
class Snapshot;
}  // namespace lb::type::v1

namespace lb::dataplane {

// What this worker knows beyond the first protocol. Sorted; also said in its Hello.
inline const std::vector<std::string> kSupportedFeatures = {"access",
                                                            "access_log",
                                                            "backend_tls",
                                                            "balance",
                                                            "bandwidth_limit",
                                                            "cancel_kill",
                                                            "client_cert_limit",
                                                            "client_limit",
                                                            "clients",
                                                            "connections",
                                                            "drain_timeout",
                                                            "log_grpc",
                                                            "log_level",
                                                            "outlier_detection",
                                                            "proxy_protocol",
                                                            "queue",
                                                            "rate_limit",
                                                            "rule_limit",
                                                            "slow_connect",
                                                            "sni",
                                                            "source",
                                                            "tls"};

// Bounds of one snapshot; far above any configuration seen, and small enough for one host's memory.
inline constexpr size_t kMaxSnapshotBytes = 64u << 20;
inline constexpr int kMaxRules = 10'000;
inline constexpr int kMaxBackends = 65'536;  // Over all rules.
inline constexpr size_t kMaxNameBytes = 255;
inline constexpr uint32_t kMaxWeight = 1'000'000;
inline constexpr uint32_t kMaxConnectAttempts = 10;
inline constexpr uint64_t kMaxTimeoutMs = 7ull * 24 * 3600 * 1000;  // A week: beyond it, a typo.
inline constexpr uint32_t kMaxQueue = 1'000'000;  // Waiting connections of one rule.
inline constexpr int kMaxSources = 64;            // Addresses of one rule to connect from.
inline constexpr int kMaxHashRules = 1'000;  // Rules and routes that hash: 128 KiB or more each.
inline constexpr int kMaxSniRoutesOfRule = 1'000;  // Which one report tells of.
inline constexpr int64_t kMaxSniRoutes = 65'536;   // Over all rules, like the next.
inline constexpr int64_t kMaxSniNames = 262'144;
inline constexpr double kMaxHashBalanceRatio = 100;
inline constexpr double kMaxRatePerS = 1e6;  // Of one client; beyond it, a bucket loses count.
inline constexpr uint64_t kMaxBytesPerS = 1'000'000'000'000;  // Of a bandwidth limit.
inline constexpr uint64_t kMaxClients = 50'000'000;
inline constexpr size_t kMaxPathBytes = 4'095;  // PATH_MAX without its end, limits.h.
inline constexpr size_t kMaxProblems = 1'000;   // Of one refusal; the rest would tell nothing new.

// One thing that is wrong.
struct Problem {
  enum class Kind : uint8_t {
    kInvalid,         // Says something no worker can carry out.
    kMissingFeature,  // Needs a feature this worker does not know.
    kResourceLimit,   // Above one of the bounds of this worker.
  };
  Kind kind = Kind::kInvalid;
  std::string path;     // "rules/web/listen", "rules/web/backends/web-1/address"
  std::string message;  // What is wrong, with the value.

  friend bool operator==(const Problem&, const Problem&) = default;
};

// Tables, or the problems why there are none; never both.
struct BuiltTables {
  std::shared_ptr<const Tables> tables;
  std::vector<Problem> problems;
};

// Makes tables of `snapshot`. Rules that say what they said in `previous` (nullptr: none) are the
// same RuleTable objects there. States come from `registry`, which is only touched on success.
// `now` is when a backend added to a rule that was there before begins its slow start.
BuiltTables BuildTables(const lb::type::v1::Snapshot& snapshot, const Tables* previous,
                        StateRegistry& registry, Instant now);

// The same from the serialised message; bytes that are no Snapshot are a problem.
BuiltTables BuildTables(std::string_view bytes, const Tables* previous, StateRegistry& registry,
                        Instant now);

}  // namespace lb::dataplane
