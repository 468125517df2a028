#include "tests/sim/fake_worker.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"

namespace lb::sim {
namespace {

using worker::v1::ConnectRequest;
using worker::v1::ConnectResponse;
using worker::v1::Nack;

bool Newer(const type::v1::ConfigVersion& a, const type::v1::ConfigVersion& b) {
  return std::pair(a.epoch(), a.revision()) > std::pair(b.epoch(), b.revision());
}

void Fill(const BackendKey& key, const FakeWorker::Slots& slots, worker::v1::SlotEntry& entry) {
  entry.set_rule(key.rule);
  entry.set_backend(key.backend);
  entry.set_granted(slots.granted);
  entry.set_held(slots.held);
  entry.set_wanted(slots.peak + slots.refused);
}

auto Parts(const FakeWorker::Slots& slots) {
  return std::tuple(slots.granted, slots.held, slots.peak + slots.refused);
}

// True when it names exactly the features that its rules use: fewer would be ignored by a worker
// that lacks one, more refused for nothing.
bool NamesItsFeatures(const type::v1::Snapshot& snapshot) {
  std::set<std::string> used;
  for (const type::v1::Rule& rule : snapshot.rules()) {
    if (rule.has_queue()) used.insert("queue");
    if (rule.max_connections() > 0) used.insert("rule_limit");
    if (rule.source_addresses_size() > 0) used.insert("source");
  }
  const auto& named = snapshot.required_features();
  return std::equal(used.begin(), used.end(), named.begin(), named.end());
}

}  // namespace

FakeWorker::FakeWorker(std::string id, uint64_t incarnation, uint32_t pid, uint64_t process,
                       uint64_t seed)
    : id_(std::move(id)),
      incarnation_(absl::StrCat("i", incarnation)),
      pid_(pid),
      process_(process),
      prng_(seed) {}

void FakeWorker::Connected(Send send) {
  send_ = std::move(send);
  received_.clear();
  receiving_.reset();
  refused_for_good_.clear();
  health_began_ = health_more_ = welcomed_ = false;
  seq_ = 0;
  ConnectRequest message;
  worker::v1::Hello& hello = *message.mutable_hello();
  hello.mutable_worker()->set_id(id_);
  hello.mutable_worker()->set_incarnation(incarnation_);
  hello.mutable_worker()->set_pid(pid_);
  hello.set_protocol_min(1);
  hello.set_protocol_max(1);
  for (const char* feature : {"queue", "rule_limit", "source"}) hello.add_features(feature);
  hello.set_draining(draining_);
  if (running_) *hello.mutable_running() = *running_;
  for (const auto& [key, state] : health_) {
    worker::v1::HealthEntry& entry = *hello.add_health();
    entry.set_rule(key.rule);
    entry.set_backend(key.backend);
    entry.set_state(state);
  }
  for (const auto& [key, slots] : slots_) Fill(key, slots, *hello.add_slots());
  told_ = slots_;
  send_(std::move(message));
}

std::string FakeWorker::Take(const ConnectResponse& message, const Faults& faults) {
  if (message.has_welcome()) return std::exchange(welcomed_, true) ? "a second welcome" : "";
  if (!welcomed_) return "a message before the welcome";
  switch (message.message_case()) {
    case ConnectResponse::kSnapshot:
      return TakePart(message.snapshot(), faults);
    case ConnectResponse::kVersion:
      return TakeVersion(message.version().version());
    case ConnectResponse::kHealth:
      return TakeHealth(message.health());
    case ConnectResponse::kSlots:
      return TakeGrant(message.slots());
    case ConnectResponse::kCommand:
      draining_ = message.command().has_drain();
      return "";
    default:
      return "an empty message";
  }
}

void FakeWorker::Traffic(const Faults& faults) {
  if (send_ && welcomed_) {
    worker::v1::ConnectRequest stats;  // A worker that says nothing at all is taken for hung.
    stats.mutable_stats();
    send_(std::move(stats));
  }
  std::vector<BackendKey> limited;
  for (const type::v1::Rule& rule : snapshot_.rules()) {
    if (rule.max_connections() > 0) limited.push_back({rule.name(), ""});
    for (const type::v1::Backend& backend : rule.backends())
      if (backend.max_connections() > 0) limited.push_back({rule.name(), backend.name()});
  }
  for (auto& [key, slots] : slots_)
    slots.held -= std::min(slots.held, prng_.Below(slots.held / (faults.saturate ? 8 : 2) + 2));
  if (limited.empty()) return Report(false);
  const uint64_t tries = faults.saturate ? limited.size() * 20 : prng_.Below(30);
  for (uint64_t i = 0; i < tries; ++i) TryOpen(limited[prng_.Below(limited.size())]);
  Report(false);
}

void FakeWorker::TryOpen(const BackendKey& key) {
  const auto health = health_.find(key);
  if (health != health_.end() && health->second == type::v1::HEALTH_STATE_UNHEALTHY) return;
  Slots& slots = slots_[key];
  if (slots.held < slots.granted) {
    ++slots.held;
    slots.peak = std::max(slots.peak, slots.held);
  } else {
    ++slots.refused;
  }
}

std::string FakeWorker::TakePart(const worker::v1::SnapshotPart& part, const Faults& faults) {
  if (part.offset() == 0) {
    if (receiving_) return "a snapshot while another is on its way";
    if (running_ && !Newer(part.version(), *running_)) return "a version that is not newer";
    if (running_ && running_->digest() == part.version().digest()) return "bytes it has already";
    if (refused_for_good_.contains(part.version().digest())) return "what it refused, again";
    refused_for_good_.clear();  // Something else came in between: it may come back.
    receiving_ = part.version();
    received_.clear();
  }
  if (!receiving_ || receiving_->digest() != part.version().digest()) return "a part of another";
  if (part.offset() != received_.size()) return "parts out of order";
  received_ += part.data();
  if (received_.size() < part.total_bytes()) return "";
  const type::v1::ConfigVersion version = *receiving_;
  receiving_.reset();
  return Finish(version, faults);
}

std::string FakeWorker::Finish(const type::v1::ConfigVersion& version, const Faults& faults) {
  if (Sha256(received_) != version.digest()) return "bytes of another digest";
  if (prng_.Chance(faults.refuse_percent, 100)) {
    const bool bind = prng_.Chance(1, 2);
    if (!bind) refused_for_good_.insert(version.digest());
    Refuse(version, bind ? Nack::REASON_BIND_FAILED : Nack::REASON_INVALID);
    return "";
  }
  if (!snapshot_.ParseFromString(received_)) return "bytes that are no snapshot";
  if (!NamesItsFeatures(snapshot_)) return "a snapshot that needs other features than it names";
  Ack(version);
  return "";
}

std::string FakeWorker::TakeVersion(const type::v1::ConfigVersion& version) {
  if (receiving_) return "a version while a snapshot is on its way";
  if (!running_ || running_->digest() != version.digest()) return "a name for what it does not run";
  if (!Newer(version, *running_)) return "a version that is not newer";
  Ack(version);
  return "";
}

std::string FakeWorker::TakeHealth(const worker::v1::HealthUpdate& update) {
  if (!health_began_ && !update.complete()) return "changes before the complete health";
  if (health_more_ && !update.complete()) return "changes inside the complete health";
  if (update.complete() && !health_more_) health_.clear();
  health_began_ = true;
  health_more_ = update.more();
  for (const worker::v1::HealthEntry& entry : update.entries())
    health_[{entry.rule(), entry.backend()}] = entry.state();
  return "";
}

std::string FakeWorker::TakeGrant(const worker::v1::SlotGrant& grant) {
  if (grant.seq() <= seq_) return "a grant with an old number";
  seq_ = grant.seq();
  for (const worker::v1::SlotGrant::Entry& entry : grant.entries())
    slots_[{entry.rule(), entry.backend()}].granted = entry.slots();
  Report(true);
  return "";
}

void FakeWorker::Ack(const type::v1::ConfigVersion& version) {
  running_ = version;
  ConnectRequest message;
  *message.mutable_ack()->mutable_version() = version;
  send_(std::move(message));
}

void FakeWorker::Refuse(const type::v1::ConfigVersion& version, Nack::Reason reason) {
  ConnectRequest message;
  *message.mutable_nack()->mutable_rejected() = version;
  if (running_) *message.mutable_nack()->mutable_running() = *running_;
  message.mutable_nack()->set_reason(reason);
  send_(std::move(message));
}

// As the real one: only what changed since the last report of the session.
void FakeWorker::Report(bool always) {
  if (!send_ || !welcomed_) return;
  ConnectRequest message;
  message.mutable_slots()->set_seq(seq_);
  for (auto& [key, slots] : slots_) {
    const auto told = told_.find(key);
    if (told == told_.end() || Parts(told->second) != Parts(slots))
      Fill(key, slots, *message.mutable_slots()->add_entries());
  }
  told_ = slots_;
  for (auto& [key, slots] : slots_) {
    slots.peak = slots.held;
    slots.refused = 0;
  }
  if (always || message.slots().entries_size() > 0) send_(std::move(message));
}

}  // namespace lb::sim
