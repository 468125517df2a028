#include "dataplane/control/config_lane.h"

#include <chrono>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/sha256.h"
#include "dataplane/control/nack.h"
#include "dataplane/control/version.h"
#include "dataplane/snapshot/build_tables.h"

namespace lb::dataplane {

using lb::type::v1::ConfigVersion;
using lb::worker::v1::ConnectRequest;
using lb::worker::v1::Nack;

namespace {

LogFields VersionFields(const ConfigVersion& version) {
  return {{"epoch", absl::StrCat(version.epoch())},
          {"version", absl::StrCat(version.revision())},
          {"digest", ToHex(version.digest())}};
}

void SetDuration(Duration took, google::protobuf::Duration& target) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(took);
  target.set_seconds(seconds.count());
  target.set_nanos(static_cast<int32_t>((took - seconds).count()));
}

}  // namespace

ConnectRequest ConfigLane::Offer(const SnapshotReceiver::Received& received) {
  using Outcome = SnapshotReceiver::Received::Outcome;
  if (received.outcome == Outcome::kTooLarge) {
    return Refuse(received.version, MakeNack(Nack::REASON_RESOURCE_LIMIT,
                                             absl::StrCat("snapshot of ", received.total_bytes,
                                                          " bytes; at most ", kMaxSnapshotBytes)));
  }
  if (received.outcome == Outcome::kDigestMismatch) {
    return Refuse(received.version, MakeNack(Nack::REASON_DIGEST_MISMATCH,
                                             "the bytes received have another SHA-256 digest"));
  }
  if (running_ && !IsNewer(received.version, *running_)) {
    return Refuse(received.version,
                  MakeNack(Nack::REASON_STALE_VERSION,
                           absl::StrCat("runs epoch ", running_->epoch(), " revision ",
                                        running_->revision(), " already")));
  }
  return Apply(received);
}

bool ConfigLane::WouldRun(const SnapshotReceiver::Received& received) {
  if (received.outcome != SnapshotReceiver::Received::Outcome::kComplete) {
    static_cast<void>(Offer(received));
    return false;
  }
  const BuiltTables built = BuildTables(received.bytes, tables_.get(), registry_, clock_());
  if (built.tables == nullptr)
    static_cast<void>(Refuse(received.version, MakeNack(built.problems)));
  return built.tables != nullptr;
}

ConnectRequest ConfigLane::Apply(const SnapshotReceiver::Received& received) {
  const Instant begin = clock_();
  BuiltTables built = BuildTables(received.bytes, tables_.get(), registry_, begin);
  if (built.tables == nullptr) return Refuse(received.version, MakeNack(built.problems));
  const std::vector<BindFailure> failures = traffic_.Apply(built.tables);
  if (!failures.empty()) return Refuse(received.version, MakeNack(failures));
  tables_ = std::move(built.tables);
  snapshot_ = received.bytes;
  registry_.Committed(*tables_);
  registry_.rate_limiters().Commit(tables_->rate_limiters, clock_());
  registry_.bandwidths().Commit(tables_->bandwidths, clock_());
  registry_.client_limits().Commit(tables_->client_limits);
  ++applies_total_;
  return Accept(received.version, clock_() - begin);
}

std::optional<ConnectRequest> ConfigLane::Rename(const ConfigVersion& version) {
  if (!running_ || version.digest() != running_->digest()) return std::nullopt;
  if (IsNewer(*running_, version)) {
    return Refuse(version, MakeNack(Nack::REASON_STALE_VERSION, "runs a newer version already"));
  }
  return Accept(version, Duration::zero());
}

ConnectRequest ConfigLane::Accept(const ConfigVersion& version, Duration took) {
  running_ = version;
  refusal_.clear();
  LogInfo("configuration in force", VersionFields(version));
  ConnectRequest message;
  *message.mutable_ack()->mutable_version() = version;
  SetDuration(took, *message.mutable_ack()->mutable_apply_time());
  return message;
}

ConnectRequest ConfigLane::Refuse(const ConfigVersion& version, Nack nack) {
  ++refused_total_[ReasonLabel(nack.reason())];
  LogFields fields = VersionFields(version);
  fields.emplace_back("reason", ReasonLabel(nack.reason()));
  if (nack.problems_size() > 0) {
    fields.emplace_back("field", nack.problems(0).field());
    fields.emplace_back("problem", nack.problems(0).message());
    fields.emplace_back("problems", absl::StrCat(nack.problems_size()));
  }
  LogWarn("configuration refused", fields);
  refusal_ = absl::StrCat("version ", version.revision(), ": ", ReasonLabel(nack.reason()));
  if (nack.problems_size() > 0) absl::StrAppend(&refusal_, ": ", nack.problems(0).message());
  *nack.mutable_rejected() = version;
  if (running_) *nack.mutable_running() = *running_;
  ConnectRequest message;
  *message.mutable_nack() = std::move(nack);
  return message;
}

}  // namespace lb::dataplane
