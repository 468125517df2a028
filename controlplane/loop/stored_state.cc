#include "controlplane/loop/stored_state.h"

#include <chrono>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/fnv.h"
#include "base/version.h"
#include "controlplane/loop/stored_operations.h"
#include "controlplane/loop/stored_override.h"
#include "lb/state/v1/state.pb.h"

namespace lb::controlplane {
namespace {

using state::v1::StoredState;

Addresses StoredAddresses(const StoredState& state) {
  Addresses out;
  for (const StoredState::Name& name : state.names()) {
    const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(name.name());
    if (!endpoint.ok()) continue;
    for (const std::string& text : name.addresses())
      if (const absl::StatusOr<Endpoint> address = Endpoint::Parse(text); address.ok())
        out[*endpoint].push_back(*address);
  }
  return out;
}

Services StoredServices(const StoredState& state) {
  Services out;
  for (const StoredState::Service& service : state.services()) {
    auto& endpoints = out[{service.space(), service.name(), service.port()}];
    for (const StoredState::ServiceEndpoint& stored : service.endpoints())
      if (const absl::StatusOr<Endpoint> address = Endpoint::Parse(stored.address()); address.ok())
        endpoints.push_back({*address, stored.pod(),
                             stored.ending() ? EndpointState::kEnding : EndpointState::kReady});
  }
  return out;
}

void StoreServices(const Parts& parts, StoredState& state) {
  for (const auto& [service, endpoints] : parts.services.services()) {
    StoredState::Service& to = *state.add_services();
    to.set_space(service.space);
    to.set_name(service.name);
    to.set_port(service.port);
    for (const ServiceEndpoint& endpoint : endpoints) {
      StoredState::ServiceEndpoint& stored = *to.add_endpoints();
      stored.set_address(endpoint.address.ToString());
      stored.set_pod(endpoint.pod);
      stored.set_ending(endpoint.state == EndpointState::kEnding);
    }
  }
}

type::v1::ProcessIdentity SelfOf(const ControlLoop::Options& options) {
  type::v1::ProcessIdentity self;
  self.set_id(options.node_id);
  self.set_incarnation(options.incarnation);
  self.set_version(kVersion);
  self.set_pid(options.pid);
  const int64_t nanos =
      std::chrono::duration_cast<std::chrono::nanoseconds>(options.start_time.time_since_epoch())
          .count();
  self.mutable_start_time()->set_seconds(nanos / 1'000'000'000);
  self.mutable_start_time()->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
  return self;
}

void RestoreHealth(const StoredState& state, Parts& parts, Instant now) {
  for (const StoredState::Backend& backend : state.backends()) {
    const absl::StatusOr<Endpoint> address = Endpoint::Parse(backend.address());
    if (!address.ok()) continue;
    parts.health.Remember({backend.rule(), backend.backend()}, *address, backend.health(), now);
  }
}

void RestoreWorkers(const StoredState& state, Parts& parts, Turn& turn) {
  for (const StoredState::Worker& worker : state.workers()) {
    parts.workers.Restore({worker.id(), worker.incarnation()}, worker.pid(), worker.start_ticks(),
                          turn.now);
    parts.ledger.Restore(worker);
    parts.rates.Restore({worker.id(), worker.incarnation()});
    // 0: a process of another host, whose end is not seen.
    if (worker.pid() != 0) turn.actions.push_back(WatchProcess{worker.pid(), worker.start_ticks()});
  }
}

void RestoreOverrides(const StoredState& state, Parts& parts, Turn& turn) {
  for (const StoredState::Override& stored : state.overrides()) {
    if (!parts.overrides.Set({stored.rule(), stored.backend()}, RestoreOverride(stored)))
      turn.Log(LogLevel::kWarn, "too many backend overrides are stored; this one is dropped",
               {{"rule", stored.rule()}, {"backend", stored.backend()}});
  }
}

void StoreOverrides(const Parts& parts, StoredState& state) {
  for (const auto& [key, override] : parts.overrides.all()) {
    StoredState::Override& stored = *state.add_overrides();
    stored.set_rule(key.rule);
    stored.set_backend(key.backend);
    StoreOverride(override, stored);
  }
}

void StoreHealth(const Parts& parts, StoredState& state) {
  for (const auto& [key, health] : parts.health.Known()) {
    StoredState::Backend& backend = *state.add_backends();
    backend.set_rule(key.rule);
    backend.set_backend(key.backend);
    if (const std::optional<Endpoint> address = parts.health.AddressOf(key))
      backend.set_address(address->ToString());
    backend.set_health(health);
  }
}

void RestoreCluster(const StoredState& state, Parts& parts) {
  const StoredState::ClusterKeys& keys = state.cluster_keys();
  parts.cluster->Restore({{keys.configured_digest(), {keys.keys().begin(), keys.keys().end()}},
                          state.cluster_query_time()});
}

void StoreCluster(const Parts& parts, StoredState& state) {
  const swim::Cluster::Stored stored = parts.cluster->ToStore();
  if (parts.cluster->config()) state.set_cluster_query_time(stored.query_time);
  if (stored.keys.keys.empty()) return;
  StoredState::ClusterKeys& keys = *state.mutable_cluster_keys();
  keys.set_configured_digest(stored.keys.configured_digest);
  for (const std::string& key : stored.keys.keys) keys.add_keys(key);
}

}  // namespace

std::unique_ptr<Parts> Restore(const ControlLoop::Options& options, Turn& turn) {
  StoredState state;
  const bool parsed = state.ParseFromString(options.stored_state);
  if (!parsed) {
    turn.Log(LogLevel::kWarn, "the state file is damaged and ignored",
             {{"bytes", absl::StrCat(options.stored_state.size())}});
    state.Clear();
  }
  auto parts = std::make_unique<Parts>(Resolver(StoredAddresses(state)),
                                       ServiceBook(StoredServices(state)), HealthBook(options.seed),
                                       Versions(state.version()), options.incarnation);
  parts->self = SelfOf(options);
  parts->boot_id = options.boot_id;
  parts->wall_offset =
      options.start_time.time_since_epoch() - Duration(turn.now.time_since_epoch());
  parts->page_key = options.page_key;
  parts->log_level = options.log_level;
  parts->cluster.emplace(options.node_id, std::string(kVersion), Fnv1a(options.incarnation),
                         options.seed);
  RestoreCluster(state, *parts);
  RestoreHealth(state, *parts, turn.now);
  parts->slots.Restore(state);
  parts->history.Restore(state, options.revisions);
  parts->ran_revision = state.ran_revision();
  parts->confirmation = Confirmation::Restore(state, turn.now, options.start_time);
  RestoreOverrides(state, *parts, turn);
  const bool same_boot = state.boot_id() == options.boot_id;
  if (same_boot) RestoreWorkers(state, *parts, turn);
  RestoreOperations(state, *parts, turn.now);
  if (!parsed || options.state_damaged || (same_boot && state.workers_missing()))
    parts->frozen_until = turn.now + Parts::kLostStateWait;
  return parts;
}

std::string Store(const Parts& parts) {
  StoredState state;
  *state.mutable_version() = parts.versions.to_store();
  state.set_boot_id(parts.boot_id);
  state.set_workers_missing(parts.frozen_until.has_value());
  StoreHealth(parts, state);
  parts.history.Store(state);
  parts.slots.Store(state);
  StoreCluster(parts, state);
  state.set_ran_revision(parts.ran_revision);
  if (parts.confirmation) parts.confirmation->Store(state);
  StoreOverrides(parts, state);
  StoreOperations(parts, state);
  for (const auto& [key, record] : parts.workers.workers()) {
    StoredState::Worker& worker = *state.add_workers();
    worker.set_id(key.id);
    worker.set_incarnation(key.incarnation);
    worker.set_pid(record.identity.pid());
    worker.set_start_ticks(record.start_ticks);
    parts.ledger.Store(key, worker);
  }
  for (const auto& [endpoint, addresses] : parts.resolver.addresses()) {
    StoredState::Name& name = *state.add_names();
    name.set_name(endpoint.ToString());
    for (const Endpoint& address : addresses) name.add_addresses(address.ToString());
  }
  StoreServices(parts, state);
  return state.SerializeAsString();
}

}  // namespace lb::controlplane
