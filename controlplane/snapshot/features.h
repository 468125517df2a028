// What rules may ask of a worker beyond the first protocol. A worker names in its Hello what it
// knows, a snapshot what it needs. Constants, for ever; threading: none.
#pragma once

namespace lb::controlplane {

inline constexpr char kFeatureQueue[] = "queue";           // Rule.queue
inline constexpr char kFeatureRuleLimit[] = "rule_limit";  // Rule.max_connections, and its slots
inline constexpr char kFeatureSource[] = "source";         // Rule.source_addresses

}  // namespace lb::controlplane
