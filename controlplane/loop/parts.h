// The parts that the control loop puts in order, and what one turn passes between them.
//
// Each part owns its own state; the functions of this package that take Parts are the only ones
// that see them together. Threading: none.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "controlplane/admin/file_status.h"
#include "controlplane/admin/log_overrides.h"
#include "controlplane/admin/operations.h"
#include "controlplane/admin/request_ledger.h"
#include "controlplane/admin/totals.h"
#include "controlplane/budget/bandwidth_exchange.h"
#include "controlplane/budget/bandwidth_ledger.h"
#include "controlplane/budget/client_slot_ledger.h"
#include "controlplane/budget/rate_ledger.h"
#include "controlplane/budget/slot_exchange.h"
#include "controlplane/budget/slot_ledger.h"
#include "controlplane/budget/usage_exchange.h"
#include "controlplane/config/config.h"
#include "controlplane/discovery/service_book.h"
#include "controlplane/events/event_log.h"
#include "controlplane/events/resource_book.h"
#include "controlplane/health/health_book.h"
#include "controlplane/health/outlier_book.h"
#include "controlplane/loop/action.h"
#include "controlplane/loop/audited_change.h"
#include "controlplane/loop/backend_drains.h"
#include "controlplane/loop/client_questions.h"
#include "controlplane/loop/config_changes.h"
#include "controlplane/loop/connection_orders.h"
#include "controlplane/loop/key_questions.h"
#include "controlplane/loop/member_orders.h"
#include "controlplane/loop/resource_watch.h"
#include "controlplane/membership/cluster.h"
#include "controlplane/membership/cluster_status.h"
#include "controlplane/membership/host_channel.h"
#include "controlplane/resolve/resolver.h"
#include "controlplane/revision/confirmation.h"
#include "controlplane/revision/connect_watch.h"
#include "controlplane/revision/history.h"
#include "controlplane/snapshot/live_rules.h"
#include "controlplane/snapshot/overrides.h"
#include "controlplane/snapshot/versions.h"
#include "controlplane/stream/worker_table.h"
#include "controlplane/tls/certificate_book.h"
#include "controlplane/tls/expiry_notices.h"
#include "controlplane/tls/material.h"
#include "controlplane/tls/shared_tickets.h"
#include "lb/type/v1/type.pb.h"

namespace lb::controlplane {

// A WaitOperation.
struct OperationWaiter {
  std::string operation;
  Instant deadline;
};

struct Parts {
  // How long to wait for the hellos of workers that may hold slots and were not stored.
  static constexpr std::chrono::seconds kLostStateWait = WorkerTable::kComesBackWithin;

  Parts(Resolver restored_resolver, ServiceBook restored_services, HealthBook restored_health,
        Versions restored_versions, const std::string& life)
      : resolver(std::move(restored_resolver)),
        services(std::move(restored_services)),
        health(std::move(restored_health)),
        versions(std::move(restored_versions)),
        operations(life),
        events(life),
        resources(life) {}

  type::v1::ProcessIdentity self;
  std::string boot_id;
  std::string page_key;
  FileStatus file;
  std::optional<Config> config;  // The newest good one.
  LiveRules live;                // In force.
  // What is in the files of TLS that `config` names; nullptr where nobody looked.
  std::shared_ptr<const TlsMaterial> material;
  bool material_is_new = false;  // It is not in a snapshot yet.
  CertificateBook certificates;
  std::map<std::string, std::string> refused_files;  // See ConfigRead::bad_files.
  ExpiryNotices expiry_notices;
  Instant next_certificate_look = Instant::max();
  std::optional<SharedTickets> tickets;  // Always set.
  bool hosts_are_new = false;            // `tickets` was not told of them yet.
  bool in_force = false;
  Resolver resolver;
  ServiceBook services;
  HealthBook health;
  OutlierBook outliers;
  Versions versions;
  WorkerTable workers;
  SlotLedger ledger;
  RateLedger rates;
  BandwidthLedger bandwidths;
  ClientSlotLedger client_slots;
  Totals totals;
  Operations operations;
  EventLog events;
  ResourceBook resources;
  ResourceWatches resource_watches;
  ResourceLooks resource_looks;
  RequestLedger requests;
  std::map<RequestId, OperationWaiter> waiters;
  AuditedChanges audited;
  std::map<RequestId, Reply> kept_replies;  // Of changes, for repeats with the same request id.
  std::map<RequestId, admin::v1::Event> changes_asked;  // Their events, until they are answered.
  History history;
  uint64_t ran_revision = 0;     // The newest that a worker ran; 0: none is known.
  bool last_good_asked = false;  // It was loaded, or is being loaded, for a worker that needs it.
  std::optional<Confirmation> confirmation;
  ConnectWatch connect_watch;  // Since it was applied, or this process started.
  ConfigChanges changes;
  Overrides overrides;
  BackendDrains drains;
  ConnectionOrders connection_orders;
  ClientQuestions client_questions;
  swim::ClusterStatus cluster_status;
  std::optional<swim::Cluster> cluster;  // Always set.
  HostChannel channel;
  UsageExchange usage{channel};
  SlotExchange slots{channel};
  BandwidthExchange shared_bandwidths{channel};
  Instant usage_deadline = Instant::max();
  bool stopping = false;  // The process says good-bye.
  MemberOrders member_orders;
  KeyQuestions key_questions;
  LogOverrides log;
  LogLevel log_level = LogLevel::kInfo;  // That this process was started with.
  // The rollout sent last to each watch, serialised.
  std::map<RequestId, std::string> rollout_watches;
  // Streams that were told to end; what still comes from them counts for nothing.
  std::set<SessionId> closing;
  // The first configuration waits until then for the first answers to DNS queries.
  std::optional<Instant> wait_for_names_until;
  // Until then no worker gains slots, since a worker that is not known may hold them.
  std::optional<Instant> frozen_until;
  // From the steady clock to the wall clock, as answers show it; unset before the first.
  std::optional<Duration> wall_offset;
};

// What one event leads to, collected until the end of its turn.
struct Turn {
  Instant now;
  std::vector<Action>& actions;
  std::set<BackendKey> health_changed{};
  bool refresh = false;  // The configuration or an address changed.
  bool dirty = false;    // Something that is stored changed.
  bool urgent = false;   // Store it now, whenever the last time was.
  std::vector<admin::v1::Event> happened{};

  void Send(SessionId session, worker::v1::ConnectResponse message) {
    actions.push_back(SendToWorker{session, std::move(message)});
  }
  void Log(LogLevel level, std::string message, LogFields fields) {
    actions.push_back(WriteLog{level, std::move(message), std::move(fields)});
  }
  // Something that an operator may want to know of: a log line, and an event of this kind about
  // this resource ("rules/web/backends/web-1"; empty: the control plane).
  void Emit(const char* kind, std::string resource, LogLevel level, std::string message,
            LogFields fields) {
    admin::v1::Event& event = happened.emplace_back();
    event.set_kind(kind);
    event.set_resource(std::move(resource));
    event.set_severity(level == LogLevel::kError  ? admin::v1::Event::SEVERITY_ERROR
                       : level == LogLevel::kWarn ? admin::v1::Event::SEVERITY_WARNING
                                                  : admin::v1::Event::SEVERITY_INFO);
    event.set_message(message);
    for (const auto& [key, value] : fields) (*event.mutable_attributes())[key] = value;
    Log(level, std::move(message), std::move(fields));
  }
};

}  // namespace lb::controlplane
