#include "dataplane/control/health_lane.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace lb::dataplane {

using lb::type::v1::HealthState;
using lb::worker::v1::HealthEntry;
using lb::worker::v1::HealthUpdate;

namespace {

// States a newer control plane may know are used for traffic, as the contract says of unknown.
Health FromState(HealthState state) {
  switch (state) {
    case lb::type::v1::HEALTH_STATE_UNHEALTHY:
      return Health::kUnhealthy;
    case lb::type::v1::HEALTH_STATE_HEALTHY:
      return Health::kHealthy;
    default:
      return Health::kUnknown;
  }
}

HealthState ToState(Health health) {
  switch (health) {
    case Health::kUnhealthy:
      return lb::type::v1::HEALTH_STATE_UNHEALTHY;
    case Health::kHealthy:
      return lb::type::v1::HEALTH_STATE_HEALTHY;
    case Health::kUnknown:
      break;
  }
  return lb::type::v1::HEALTH_STATE_UNKNOWN;
}

std::optional<BackendKey> KeyOf(const HealthEntry& entry) {
  if (entry.rule().empty() || entry.backend().empty()) return std::nullopt;
  return BackendKey{entry.rule(), entry.backend()};
}

absl::Status NoName() { return absl::InvalidArgumentError("health entry without a name"); }

absl::Status TooMany() {
  return absl::ResourceExhaustedError(
      absl::StrCat("health of more than ", StateRegistry::kMaxEntries, " backends"));
}

}  // namespace

absl::Status HealthLane::Take(const HealthUpdate& update, Instant now) {
  if (update.complete() || collecting_) return TakeComplete(update, now);
  if (!began_) return absl::InvalidArgumentError("first health update is not complete");
  return TakeChanges(update, now);
}

absl::Status HealthLane::TakeComplete(const HealthUpdate& update, Instant now) {
  if (!update.complete()) {
    return absl::InvalidArgumentError("health change between the parts of a complete update");
  }
  for (const HealthEntry& entry : update.entries()) {
    auto key = KeyOf(entry);
    if (!key) return NoName();
    collected_.insert_or_assign(std::move(*key), FromState(entry.state()));
    if (collected_.size() > StateRegistry::kMaxEntries) return TooMany();
  }
  collecting_ = update.more();
  if (collecting_) return absl::OkStatus();
  began_ = true;
  const bool kept = registry_.ReplaceHealth(std::exchange(collected_, {}), now);
  return kept ? absl::OkStatus() : TooMany();
}

absl::Status HealthLane::TakeChanges(const HealthUpdate& update, Instant now) {
  for (const HealthEntry& entry : update.entries()) {
    const auto key = KeyOf(entry);
    if (!key) return NoName();
    if (!registry_.SetHealth(*key, FromState(entry.state()), now)) return TooMany();
  }
  return absl::OkStatus();
}

void AddHealth(const BackendKey& key, Health health, HealthUpdate& update) {
  HealthEntry& entry = *update.add_entries();
  entry.set_rule(key.rule);
  entry.set_backend(key.backend);
  entry.set_state(ToState(health));
}

void AppendHealth(const StateRegistry& registry, lb::worker::v1::Hello& hello) {
  const std::map<BackendKey, Health> told = registry.health();
  constexpr size_t kOverheadBytes = 16;  // Tags, lengths and the state of an entry.
  size_t bytes = 0;
  for (const Health wanted : {Health::kUnhealthy, Health::kHealthy}) {
    for (const auto& [key, health] : told) {
      if (health != wanted) continue;
      bytes += key.rule.size() + key.backend.size() + kOverheadBytes;
      if (bytes > kMaxHelloHealthBytes) return;
      HealthEntry& entry = *hello.add_health();
      entry.set_rule(key.rule);
      entry.set_backend(key.backend);
      entry.set_state(ToState(health));
    }
  }
}

}  // namespace lb::dataplane
