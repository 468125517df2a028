// What may be asked of a worker beyond the first protocol. A worker names in its Hello what it
// knows, a snapshot what it needs; orders go only to who knows them. Constants, for ever;
// threading: none.
#pragma once

#include <array>

namespace lb::controlplane {

inline constexpr char kFeatureAccessLog[] = "access_log";            // Snapshot.access_log
inline constexpr char kFeatureBandwidthLimit[] = "bandwidth_limit";  // See BandwidthLimit.
inline constexpr char kFeatureBalance[] = "balance";       // See Rule, Backend and Balance.
inline constexpr char kFeatureQueue[] = "queue";           // Rule.queue
inline constexpr char kFeatureRuleLimit[] = "rule_limit";  // Rule.max_connections, and its slots
inline constexpr char kFeatureSource[] = "source";         // Rule.source_addresses
inline constexpr char kFeatureAccess[] = "access";         // Rule.allow and deny
inline constexpr char kFeatureProxyProtocol[] = "proxy_protocol";  // Rule.proxy_protocol
inline constexpr char kFeatureConnections[] = "connections";       // Lists and kills connections.
inline constexpr char kFeatureClientLimit[] = "client_limit";  // Rule.max_connections_per_client
inline constexpr char kFeatureClients[] = "clients";         // Tells of clients under rate limits.
inline constexpr char kFeatureLogLevel[] = "log_level";      // Changes its log level.
inline constexpr char kFeatureCancelKill[] = "cancel_kill";  // Stops a kill that is under way.

inline constexpr char kFeatureRateLimit[] = "rate_limit";  // Rate limits, and their budgets.
inline constexpr char kFeatureLogGrpc[] = "log_grpc";      // Likewise of gRPC's lines.

inline constexpr char kFeatureOutlierDetection[] = "outlier_detection";  // Rule.outlier_detection
inline constexpr char kFeatureDrainTimeout[] = "drain_timeout";          // Rule.drain_timeout_ms
inline constexpr char kFeatureSlowConnect[] = "slow_connect";            // ....max_connect_time_ms

inline constexpr char kFeatureTls[] = "tls";                            // Rule.tls, and TicketKeys
inline constexpr char kFeatureBackendTls[] = "backend_tls";             // Rule.backend_tls
inline constexpr char kFeatureSni[] = "sni";                            // Rule.sni_routes
inline constexpr char kFeatureClientCertLimit[] = "client_cert_limit";  // RateLimit.client_cert

inline constexpr std::array<const char*, 22> kFeatures = {
    kFeatureBackendTls,    kFeatureClientCertLimit, kFeatureSni,       kFeatureTls,
    kFeatureAccess,        kFeatureAccessLog,       kFeatureBalance,   kFeatureBandwidthLimit,
    kFeatureCancelKill,    kFeatureClientLimit,     kFeatureClients,   kFeatureConnections,
    kFeatureDrainTimeout,  kFeatureLogGrpc,         kFeatureLogLevel,  kFeatureOutlierDetection,
    kFeatureProxyProtocol, kFeatureQueue,           kFeatureRateLimit, kFeatureRuleLimit,
    kFeatureSlowConnect,   kFeatureSource};

}  // namespace lb::controlplane
