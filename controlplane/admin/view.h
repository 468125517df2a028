// What answers and metrics are made from: the parts of the loop, read only. A value of references;
// threading: the loop's thread.
#pragma once

#include <optional>
#include <string>

#include "base/time.h"
#include "controlplane/admin/file_status.h"
#include "controlplane/admin/operations.h"
#include "controlplane/admin/totals.h"
#include "controlplane/budget/bandwidth_ledger.h"
#include "controlplane/budget/rate_ledger.h"
#include "controlplane/budget/slot_exchange.h"
#include "controlplane/budget/usage_exchange.h"
#include "controlplane/discovery/service_book.h"
#include "controlplane/health/health_book.h"
#include "controlplane/health/outlier_book.h"
#include "controlplane/membership/cluster_status.h"
#include "controlplane/resolve/resolver.h"
#include "controlplane/revision/confirmation.h"
#include "controlplane/revision/history.h"
#include "controlplane/snapshot/live_rules.h"
#include "controlplane/snapshot/overrides.h"
#include "controlplane/snapshot/versions.h"
#include "controlplane/stream/worker_table.h"
#include "controlplane/tls/certificate_book.h"
#include "controlplane/tls/shared_tickets.h"
#include "lb/type/v1/type.pb.h"

namespace lb::controlplane {

struct View {
  const type::v1::ProcessIdentity& self;
  const FileStatus& file;
  const LiveRules& live;
  const Resolver& resolver;
  const ServiceBook& services;
  const HealthBook& health;
  const OutlierBook& outliers;
  const Versions& versions;
  const WorkerTable& workers;
  const Totals& totals;
  const Operations& operations;
  const History& history;
  const std::optional<Confirmation>& confirmation;
  const Overrides& overrides;
  const CertificateBook& certificates;
  const SharedTickets& tickets;
  const swim::ClusterStatus& cluster;
  const HostChannel& channel;
  const UsageExchange& usage;
  const SlotExchange& slots;
  const RateLedger& rates;
  const BandwidthLedger& bandwidths;
  const std::string& page_key;  // Secret of page tokens.
  ClockReading clock;
};

}  // namespace lb::controlplane
