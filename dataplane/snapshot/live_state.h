// What outlives a snapshot: health, slots and counters of a rule or backend, keyed by name.
//
// Threading: health and slots are atomics shared by all I/O threads, touched once per connection.
// Counters are one set per I/O thread, written by that thread only and read by any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "dataplane/limit/slots.h"
#include "dataplane/snapshot/counter.h"
#include "dataplane/snapshot/route_state.h"

namespace lb::dataplane {

class LeastLoaded;

// Why a client's connection was refused before any byte was passed.
enum class RefuseReason : uint8_t {
  kNoBackend,       // No usable backend: none, all unhealthy, all weights zero.
  kBackendLimit,    // Every usable backend is at its connection limit.
  kConnectFailed,   // Every attempt failed.
  kWorkerLimit,     // The worker has as many connections as its descriptors allow.
  kRuleLimit,       // The rule is at its connection limit.
  kQueueFull,       // As many wait for a backend already as may.
  kQueueTimeout,    // It waited for a backend as long as it may.
  kDenied,          // The rule's access lists refuse the client.
  kProxyHeader,     // Its PROXY header is missing, malformed or late, or nobody may send one there.
  kRateLimit,       // Its client is above the rate limit.
  kClientLimit,     // Its client has as many connections open as it may.
  kTlsHandshake,    // Its TLS handshake failed; HandshakeFailure says why.
  kTlsTimeout,      // Its TLS handshake, or its ClientHello, took too long.
  kSniNoMatch,      // No route takes the name that it asks for, and there is no other backend.
  kClientHello,     // It began with something else than a ClientHello, where routes look for one.
  kClientCertRate,  // The identity of its certificate is above the rate limit.
  kCount,
};

// How an established connection ended.
enum class CloseReason : uint8_t {
  kNormal,  // Both directions ended with a FIN.
  kClientReset,
  kBackendReset,
  kIdle,
  kHalfClose,     // Half-closed for too long.
  kDrain,         // Closed by a drain, of the worker or of its backend.
  kKilled,        // By an operator.
  kTlsTruncated,  // One end left without close_notify, while something may have been missing.
  kCount,
};

// Why one connect attempt to a backend failed, or counts as if it had.
enum class ConnectFailure : uint8_t {
  kRefused,
  kTimeout,
  kUnreachable,
  kNoPort,        // No local port is free for it: not the backend's fault, like the next two.
  kNoDescriptor,  // Descriptors or memory ran out.
  kNoSource,      // The address to connect from is not one of this host's.
  kReset,         // It accepted and reset the connection before any byte.
  kSlow,          // It took longer than outlier detection lets it, and goes on all the same.
  kOther,
  kTlsHandshake,  // The handshake with it failed, for other reasons than those below.
  kTlsTimeout,
  kTlsName,       // Its certificate is for other names.
  kTlsExpired,    // Or not valid yet.
  kTlsUntrusted,  // No authority that is trusted has signed it.
  kTlsRevoked,
  kCount,
};

// Why a TLS handshake with a client failed.
enum class HandshakeFailure : uint8_t {
  kTimeout,
  kProtocol,            // The client does not keep to the protocol.
  kNoSharedCipher,      // Or signature scheme, group or application protocol.
  kUnsupportedVersion,  // It is too old.
  kNotTls,
  kUnknownName,  // It asks for a name that no certificate has.
  kNoClientCert,
  kBadClientCert,
  kClientAlert,  // It refused what it was sent.
  kClosed,       // It left.
  kOverload,     // It was the oldest of too many.
  kCount,
};

// The label values of the metrics and of StatsReport.
const char* ToString(RefuseReason reason);
const char* ToString(CloseReason reason);
const char* ToString(ConnectFailure reason);
const char* ToString(HandshakeFailure reason);

template <typename Reason>
using CounterByReason = std::array<Counter, static_cast<size_t>(Reason::kCount)>;

// Counters of one rule on one I/O thread, on cache lines of their own.
struct alignas(64) RuleCounters {
  Counter connections_total;
  Counter connections;     // Open now.
  Counter received_bytes;  // From clients.
  Counter sent_bytes;      // To clients.
  Counter retries;
  Counter queued_total;              // That had to wait for a backend's slot.
  Counter queued;                    // Waiting now.
  Counter would_refuse;              // By a rate limit that only counts.
  Counter handshakes_total;          // Of TLS with clients, done.
  Counter resumed_handshakes_total;  // Those of them that resumed a session.
  Counter handshakes;                // Under way now.
  CounterByReason<HandshakeFailure> handshake_failures;
  CounterByReason<RefuseReason> refused;
  CounterByReason<CloseReason> closed;
};

// Counters of one backend on one I/O thread.
struct alignas(64) BackendCounters {
  Counter connects_total;
  Counter connections;
  Counter sent_bytes;        // To the backend.
  Counter received_bytes;    // From the backend.
  Counter handshakes_total;  // Of TLS with the backend, done.
  Counter resumed_handshakes_total;
  Counter ports_exhausted;  // Times that a source address had no port for it.
  CounterByReason<ConnectFailure> connect_failures;
  // Who wants to know of each change of `connections`, under which number; the thread's own.
  LeastLoaded* watcher = nullptr;
  size_t watched_as = 0;
};

// How a backend does on real connections, see dataplane/outlier. On a cache line of its own: read
// by every connection of a rule that detects outliers, hardly ever written.
struct alignas(64) OutlierState {
  std::atomic<uint32_t> failures{0};                   // In a row.
  std::atomic<Instant> ejected_until{Instant::min()};  // Left out until then.
  std::atomic<bool> out{false};                        // From an ejection until its end is noted.
  // Of the newest ejection: why, after how many failures, and for how many times ejection_time;
  // `growth` is guarded by RuleState::ejecting.
  std::atomic<ConnectFailure> reason{ConnectFailure::kOther};
  std::atomic<uint32_t> failures_at_ejection{0};
  uint32_t growth = 0;
  std::atomic<uint64_t> ejections{0};
};

// One rule, over all snapshots. The line is that of a rule without SNI routes.
struct RuleState : Line {
  RuleState(std::string rule_name, size_t threads)
      : name(std::move(rule_name)), counters(threads), routes(threads) {}

  // Calls the next of every line: its own and those of its routes. `recovered`: after a backend
  // called unhealthy was called usable again.
  void CallWaiting(bool recovered);

  const std::string name;
  Slots slots;                         // One for each client connection.
  std::vector<RuleCounters> counters;  // By I/O thread; the vector itself never changes.
  RouteStates routes;
  // Grows after any of its backends became usable or unusable.
  std::atomic<uint64_t> health_version{0};
  Mutex ejecting;                    // While a backend is ejected or its return noted.
  std::atomic<bool> any_out{false};  // Some backend may have OutlierState::out.
};

// One backend of one rule, over all snapshots.
struct BackendState {
  BackendState(std::string rule_name, std::string backend_name, size_t threads)
      : rule(std::move(rule_name)), name(std::move(backend_name)), counters(threads) {}

  const std::string rule;
  const std::string name;
  std::atomic<bool> usable{true};  // False while the control plane calls it unhealthy.
  // The route whose clients the tables in force send to it; nullptr: those of the whole rule. Not
  // to be looked into: it may be gone.
  std::atomic<const RouteState*> route{nullptr};
  // When it was added to its rule or became usable again, for slow start; min: long ago.
  std::atomic<Instant> usable_since{Instant::min()};
  Slots slots;
  std::vector<BackendCounters> counters;
  OutlierState outlier;
  // The paced drain that closes its connections, see dataplane/control/paced_drains.h; 0: none.
  std::atomic<uint64_t> drain{0};
  std::atomic<uint64_t> drain_closed{0};  // Connections that such drains closed.
};

}  // namespace lb::dataplane
