// Puts a snapshot together from the byte ranges it travels as.
//
// Parts of one version arrive in order; a first part of another version replaces what was under
// way, because the newest wins. Bounded by kMaxSnapshotBytes (build_tables.h): of a larger one
// nothing is kept. Pure; threading: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::dataplane {

class SnapshotReceiver final {
 public:
  static constexpr size_t kMaxPartBytes = 1u << 20;  // The contract's, worker.proto.

  // A version whose last byte has arrived.
  struct Received {
    enum class Outcome { kComplete, kDigestMismatch, kTooLarge };
    Outcome outcome = Outcome::kComplete;
    lb::type::v1::ConfigVersion version;
    uint64_t total_bytes = 0;
    std::string bytes;  // Only of kComplete.
  };

  // Takes one part; the whole once it is complete. InvalidArgument: the sender broke the contract
  // (order, size, digest length), and its stream should be ended.
  absl::StatusOr<std::optional<Received>> Take(const lb::worker::v1::SnapshotPart& part);

 private:
  absl::Status Begin(const lb::worker::v1::SnapshotPart& part);
  Received Finish();

  bool active_ = false;
  lb::type::v1::ConfigVersion version_;
  uint64_t total_bytes_ = 0;
  uint64_t taken_bytes_ = 0;
  std::string bytes_;
};

}  // namespace lb::dataplane
