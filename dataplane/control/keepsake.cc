#include "dataplane/control/keepsake.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "dataplane/control/health_lane.h"
#include "dataplane/control/rate_lane.h"
#include "dataplane/control/ticket_lane.h"
#include "lb/handover/v1/handover.pb.h"

namespace lb::dataplane {

using lb::worker::v1::SlotGrant;
using Outcome = SnapshotReceiver::Received::Outcome;

namespace {

std::map<BackendKey, StateRegistry::SlotUse> UseByKey(StateRegistry& registry) {
  std::map<BackendKey, StateRegistry::SlotUse> uses;
  for (auto& use : registry.TakeSlotUse()) uses.emplace(use.key, use);
  return uses;
}

}  // namespace

void Keepsake::Note(const lb::worker::v1::ConnectResponse& message) {
  if (message.has_ticket_keys()) ticket_keys_ = message.ticket_keys();
  const bool shares = message.has_rates() && message.rates().has_shares();
  if (shares) shares_ = message.rates().shares();
  if (shares || message.has_ticket_keys() || message.has_health() || message.has_version())
    ++noted_;
}

std::string Keepsake::Save() const {
  if (!config_.running()) return "";
  lb::handover::v1::Keepsake saved;
  *saved.mutable_version() = *config_.running();
  saved.set_snapshot(config_.snapshot());
  saved.mutable_health()->set_complete(true);
  for (const auto& [key, health] : registry_.health())
    AddHealth(key, health, *saved.mutable_health());
  if (ticket_keys_.keys_size() > 0) *saved.mutable_ticket_keys() = ticket_keys_;
  if (shares_.quiet_ratio() > 0) *saved.mutable_shares() = shares_;
  return saved.SerializeAsString();
}

absl::Status Keepsake::Read(const std::string& saved, Instant now) {
  lb::handover::v1::Keepsake from;
  if (!from.ParseFromString(saved)) return absl::InvalidArgumentError("no keepsake");
  HealthLane health(registry_);
  LB_RETURN_IF_ERROR(health.Take(from.health(), now));
  if (from.has_shares()) {
    RateLane rates(registry_.rate_limiters(), registry_.bandwidths(), registry_.client_limits());
    lb::worker::v1::RateGrant grant;
    *grant.mutable_shares() = from.shares();
    LB_RETURN_IF_ERROR(rates.Take(grant, now));
    shares_ = from.shares();
  }
  if (from.has_ticket_keys()) {
    LB_RETURN_IF_ERROR(TakeTicketKeys(from.ticket_keys(), *registry_.tls().ticket_keys));
    ticket_keys_ = from.ticket_keys();
  }
  read_.version = from.version();
  read_.total_bytes = from.snapshot().size();
  read_.bytes = std::move(*from.mutable_snapshot());
  read_.outcome = Sha256(read_.bytes) == from.version().digest() ? Outcome::kComplete
                                                                 : Outcome::kDigestMismatch;
  return config_.WouldRun(read_) ? absl::OkStatus() : Refused();
}

absl::Status Keepsake::Restore() {
  const auto received = std::exchange(read_, {});
  return config_.Offer(received).has_ack() ? absl::OkStatus() : Refused();
}

absl::Status Keepsake::Refused() const {
  return absl::FailedPreconditionError(absl::StrCat("configuration refused: ", config_.refusal()));
}

std::string Keepsake::GiveUpRights() {
  const auto before = UseByKey(registry_);
  // Lowered first: from then on nobody takes what is given away.
  for (const auto& [key, use] : before)
    static_cast<void>(registry_.Grant(key, std::min(use.held, use.granted)));
  const auto after = UseByKey(registry_);
  SlotGrant rights;
  for (const auto& [key, use] : before) {
    const auto now = after.find(key);
    // What was taken between counting and lowering stays here.
    const uint64_t held = std::max(use.held, now == after.end() ? 0 : now->second.held);
    if (held >= use.granted) continue;
    static_cast<void>(registry_.Grant(key, held));
    SlotGrant::Entry& entry = *rights.add_entries();
    entry.set_rule(key.rule);
    entry.set_backend(key.backend);
    entry.set_slots(use.granted - held);
  }
  return rights.SerializeAsString();
}

absl::Status Keepsake::TakeRights(const std::string& rights) {
  SlotGrant grant;
  if (!grant.ParseFromString(rights)) return absl::InvalidArgumentError("no rights to slots");
  const auto have = UseByKey(registry_);
  for (const SlotGrant::Entry& entry : grant.entries()) {
    const BackendKey key{entry.rule(), entry.backend()};
    const auto known = have.find(key);
    const uint64_t before = known == have.end() ? 0 : known->second.granted;
    if (!registry_.Grant(key, before + entry.slots()))
      return absl::ResourceExhaustedError("rights to slots of too many backends");
  }
  return absl::OkStatus();
}

}  // namespace lb::dataplane
