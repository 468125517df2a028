#include "controlplane/stream/config_lane.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/utf8.h"

namespace lb::controlplane {
namespace {

using worker::v1::ConnectResponse;
using worker::v1::Nack;

std::vector<ConnectResponse> Parts(const type::v1::ConfigVersion& version,
                                   const std::string& bytes) {
  std::vector<ConnectResponse> out;
  size_t offset = 0;
  do {  // An empty snapshot is one empty part.
    const size_t count = std::min(ConfigLane::kPartBytes, bytes.size() - offset);
    worker::v1::SnapshotPart& part = *out.emplace_back().mutable_snapshot();
    *part.mutable_version() = version;
    part.set_total_bytes(bytes.size());
    part.set_offset(offset);
    part.set_data(bytes.substr(offset, count));
    offset += count;
  } while (offset < bytes.size());
  return out;
}

std::vector<ConnectResponse> Rename(const Versions& versions) {
  std::vector<ConnectResponse> out(1);
  *out.front().mutable_version()->mutable_version() = versions.current();
  return out;
}

Nack Bounded(const Nack& nack) {
  Nack out;
  *out.mutable_rejected() = nack.rejected();
  out.set_reason(nack.reason());
  for (const type::v1::Problem& problem : nack.problems()) {
    if (out.problems_size() == ConfigLane::kMaxProblems) break;
    type::v1::Problem& kept = *out.add_problems();
    kept = problem;
    kept.DiscardUnknownFields();
    for (std::string* text : {kept.mutable_code(), kept.mutable_message(), kept.mutable_field(),
                              kept.mutable_file(), kept.mutable_hint()})
      *text = CutUtf8(*text, ConfigLane::kMaxProblemBytes);
  }
  return out;
}

}  // namespace

bool SameVersion(const type::v1::ConfigVersion& a, const type::v1::ConfigVersion& b) {
  return a.epoch() == b.epoch() && a.revision() == b.revision() && a.digest() == b.digest();
}

std::vector<ConnectResponse> ConfigLane::Next(const Versions& versions, Instant now) {
  if (!versions.has_content() || in_flight_) return {};
  const type::v1::ConfigVersion& current = versions.current();
  if (Runs(current)) {
    // Back to what it never left: what it refused is of the past.
    refused_.reset();
    retry_at_.reset();
    backoff_ = Duration{0};
    return {};
  }
  if (Blocked(current, now)) return LastGood(versions);
  retry_at_.reset();
  const bool same_content = running_ && running_->digest() == current.digest();
  sent_ = current;
  in_flight_ = true;
  sent_last_good_ = false;
  return same_content ? Rename(versions) : Parts(current, versions.bytes());
}

std::vector<ConnectResponse> ConfigLane::LastGood(const Versions& versions) {
  const Versions::Content* good = versions.last_good();
  if (good == nullptr || running_ || std::exchange(last_good_tried_, true)) return {};
  sent_ = good->version;
  in_flight_ = sent_last_good_ = true;
  return Parts(good->version, *good->bytes);
}

absl::Status ConfigLane::Acked(const worker::v1::Ack& ack) {
  if (absl::Status status = CheckAnswer(ack.version()); !status.ok()) return status;
  in_flight_ = false;
  running_ = ack.version();
  // The newest one stays refused, and is tried again when it is due.
  if (sent_last_good_) return absl::OkStatus();
  refused_.reset();
  retry_at_.reset();
  backoff_ = Duration{0};
  return absl::OkStatus();
}

absl::Status ConfigLane::Nacked(const worker::v1::Nack& nack, Instant now) {
  if (absl::Status status = CheckAnswer(nack.rejected()); !status.ok()) return status;
  in_flight_ = false;
  if (sent_last_good_) return absl::OkStatus();
  last_good_tried_ = false;
  const bool repeated = refused_ && refused_->rejected().digest() == nack.rejected().digest();
  refused_ = Bounded(nack);
  retry_at_.reset();
  if (nack.reason() != worker::v1::Nack::REASON_BIND_FAILED) return absl::OkStatus();
  backoff_ = std::clamp<Duration>(repeated ? backoff_ * 2 : Duration{0}, kRetryMin, kRetryMax);
  retry_at_ = now + backoff_;
  return absl::OkStatus();
}

bool ConfigLane::Runs(const type::v1::ConfigVersion& version) const {
  return running_ && SameVersion(*running_, version);
}

bool ConfigLane::Blocked(const type::v1::ConfigVersion& version, Instant now) const {
  if (!refused_ || refused_->rejected().digest() != version.digest()) return false;
  if (refused_->reason() == worker::v1::Nack::REASON_BIND_FAILED)
    return retry_at_ && now < *retry_at_;
  // A number that was too old says nothing about the content.
  if (refused_->reason() == worker::v1::Nack::REASON_STALE_VERSION)
    return SameVersion(refused_->rejected(), version);
  return true;
}

absl::Status ConfigLane::CheckAnswer(const type::v1::ConfigVersion& version) const {
  if (in_flight_ && SameVersion(*sent_, version)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("answer about version ", version.epoch(), ".",
                                                    version.revision(),
                                                    ", which is not in flight"));
}

}  // namespace lb::controlplane
