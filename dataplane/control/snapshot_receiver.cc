#include "dataplane/control/snapshot_receiver.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "dataplane/control/version.h"
#include "dataplane/snapshot/build_tables.h"

namespace lb::dataplane {

absl::StatusOr<std::optional<SnapshotReceiver::Received>> SnapshotReceiver::Take(
    const lb::worker::v1::SnapshotPart& part) {
  if (part.offset() == 0) LB_RETURN_IF_ERROR(Begin(part));
  if (!active_ || !SameVersion(part.version(), version_) || part.total_bytes() != total_bytes_ ||
      part.offset() != taken_bytes_) {
    return absl::InvalidArgumentError(
        absl::StrCat("snapshot part at ", part.offset(), " does not follow ", taken_bytes_));
  }
  const uint64_t left_bytes = total_bytes_ - taken_bytes_;
  if (part.data().size() > kMaxPartBytes || part.data().size() > left_bytes ||
      (part.data().empty() && left_bytes != 0)) {
    return absl::InvalidArgumentError(absl::StrCat("snapshot part of ", part.data().size(),
                                                   " bytes where ", left_bytes, " are left"));
  }
  taken_bytes_ += part.data().size();
  if (total_bytes_ <= kMaxSnapshotBytes) bytes_ += part.data();
  if (taken_bytes_ != total_bytes_) return std::nullopt;
  return Finish();
}

absl::Status SnapshotReceiver::Begin(const lb::worker::v1::SnapshotPart& part) {
  if (part.version().digest().size() != kSha256Bytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "snapshot digest of ", part.version().digest().size(), " bytes instead of ", kSha256Bytes));
  }
  active_ = true;
  version_ = part.version();
  total_bytes_ = part.total_bytes();
  taken_bytes_ = 0;
  bytes_.clear();
  return absl::OkStatus();
}

SnapshotReceiver::Received SnapshotReceiver::Finish() {
  active_ = false;
  Received received;
  received.version = version_;
  received.total_bytes = total_bytes_;
  received.bytes = std::exchange(bytes_, {});
  if (total_bytes_ > kMaxSnapshotBytes) {
    received.outcome = Received::Outcome::kTooLarge;
  } else if (Sha256(received.bytes) != version_.digest()) {
    received.outcome = Received::Outcome::kDigestMismatch;
    received.bytes.clear();
  }
  return received;
}

}  // namespace lb::dataplane
