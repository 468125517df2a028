// Traffic counters over all workers: sums that never go back while their rule stays.
//
// A worker reports totals since its start; the newest report of each counts, and what a worker that
// is gone counted last is kept in a base. What is open or waits now is that of connected workers.
// Threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "controlplane/snapshot/backend_key.h"
#include "controlplane/snapshot/live_rules.h"
#include "controlplane/stream/worker_key.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

struct RuleTotals {
  uint64_t connections = 0;  // Open now.
  uint64_t connections_total = 0;
  uint64_t received_bytes_total = 0;
  uint64_t sent_bytes_total = 0;
  uint64_t refused_total = 0;
  uint64_t retries_total = 0;
  uint64_t queued = 0;  // Waiting now.
  uint64_t queued_total = 0;
  // Of refused_total, by the limit that refused.
  uint64_t rate_limited_total = 0;
  uint64_t client_limited_total = 0;
  uint64_t rule_limited_total = 0;
  uint64_t backend_limited_total = 0;  // At once, for want of room in the queue, or after a wait.
  uint64_t would_refuse_total = 0;     // By a rate limit that only counts.
  uint32_t workers_in_panic = 0;       // Connected ones.
  uint64_t cert_limited_total = 0;     // Of refused_total, by the limit of a client certificate.
  // TLS with clients: done, those of them that resumed a session, failed by reason.
  uint64_t handshakes_total = 0;
  uint64_t resumed_handshakes_total = 0;
  std::map<std::string, uint64_t> handshake_failures_total{};
  // Connections by route: its first name; "": by none.
  std::map<std::string, uint64_t> sni_total{};
};

struct BackendTotals {
  uint64_t connections = 0;  // Open now.
  uint64_t connects_total = 0;
  uint64_t connect_failures_total = 0;
  uint64_t ejections_total = 0;
  uint64_t drain_closed_total = 0;  // In the drain_timeout of the rule.
  uint64_t handshakes_total = 0;    // Over TLS, and those of them that resumed a session.
  uint64_t resumed_handshakes_total = 0;
};

struct WorkerTotals {
  uint64_t connections = 0;  // Open now.
  uint64_t connections_total = 0;
};

class Totals final {
 public:
  // Most rules and backends counted of one worker: a bound on what one stream can make us keep.
  // What comes beyond it is not counted.
  static constexpr size_t kMaxEntries = 200'000;
  // Longest name counted: a configured one with an address behind it is well below.
  static constexpr size_t kMaxNameBytes = 1024;
  // Most reasons of failed handshakes, and most routes, counted of one rule in one worker.
  static constexpr size_t kMaxLabels = 1'000;
  // Longest error of an access log that is kept: a path and what the system says of it.
  static constexpr size_t kMaxErrorBytes = 4'608;

  void Report(const WorkerKey& worker, const worker::v1::StatsReport& report);
  // It said how many client connections it has open, all rules together, ahead of a report.
  void NoteOpen(const WorkerKey& worker, uint64_t connections);
  // Its stream ended: nothing of it counts as open or waiting.
  void Disconnect(const WorkerKey& worker);
  // Its process is gone: what it counted goes to the base.
  void Forget(const WorkerKey& worker);
  // Drops what the base has of rules that are no more, and all that is known of such backends.
  void Keep(const LiveRules& rules);

  RuleTotals OfRule(const std::string& rule) const;
  BackendTotals OfBackend(const BackendKey& key) const;
  WorkerTotals OfWorker(const WorkerKey& worker) const;
  // Why a connected worker can write no access log, by worker.
  std::map<WorkerKey, std::string> AccessLogErrors() const;
  // What each worker that is not gone reported last of its backends.
  std::map<WorkerKey, std::map<BackendKey, BackendTotals>> BackendsByWorker() const;
  // Over all workers and rules, also those of the past.
  WorkerTotals Overall() const;

 private:
  struct Worker {
    uint64_t connections = 0;
    std::string access_log_error;
    std::map<std::string, RuleTotals> rules;
    std::map<BackendKey, BackendTotals> backends;
  };

  std::map<WorkerKey, Worker> workers_;
  std::map<std::string, RuleTotals> base_rules_;
  std::map<BackendKey, BackendTotals> base_backends_;
  uint64_t retired_connections_total_ = 0;  // Of rules dropped from the base.
};

}  // namespace lb::controlplane
