// The configuration lane of one session: what was sent, answered and refused, and what to send
// next.
//
// At most one version is in flight; a newer one waits for its answer, and only the newest waits. A
// refused one is not sent again until its content changes, except after BIND_FAILED, which another
// process can cure: that one is repeated with backoff. A worker that runs nothing and refuses the
// newest gets the last good version meanwhile. Threading: none.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/time.h"
#include "controlplane/snapshot/versions.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

class ConfigLane final {
 public:
  // Bounds of the wait before a version whose sockets could not be bound is sent again. The upper
  // one is what clients may wait once a port is free.
  static constexpr std::chrono::seconds kRetryMin{1};
  static constexpr std::chrono::seconds kRetryMax{5};
  // Most bytes of a snapshot in one message: gRPC refuses messages above 4 MiB by default.
  static constexpr size_t kPartBytes = size_t{1} << 20;
  // Kept of a refusal, which can be megabytes: problems, and bytes of each text in one. The rest is
  // in the worker's log.
  static constexpr int kMaxProblems = 20;
  static constexpr size_t kMaxProblemBytes = 1024;

  // Starts with what the hello says is running.
  explicit ConfigLane(std::optional<type::v1::ConfigVersion> running)
      : running_(std::move(running)) {}

  // Returns the messages that bring the worker to the current version, or none when it has it,
  // when one is in flight, or when it refused it; then, if it runs nothing, those that bring it to
  // the last good one.
  std::vector<worker::v1::ConnectResponse> Next(const Versions& versions, Instant now);

  // Take an answer. FailedPrecondition when it is about a version that is not in flight.
  absl::Status Acked(const worker::v1::Ack& ack);
  absl::Status Nacked(const worker::v1::Nack& nack, Instant now);

  // When Next is worth calling without an event; Instant::max() for never.
  Instant NextDeadline() const { return retry_at_.value_or(Instant::max()); }

  // What the worker runs, as far as it said.
  const std::optional<type::v1::ConfigVersion>& running() const { return running_; }
  // The version sent last on this stream.
  const std::optional<type::v1::ConfigVersion>& sent() const { return sent_; }
  bool in_flight() const { return in_flight_; }
  // True while the version in flight is the last good one, not the newest.
  bool sends_last_good() const { return in_flight_ && sent_last_good_; }
  // True when it refused the newest and runs nothing.
  bool WantsLastGood() const { return refused_ && !running_ && !in_flight_; }
  // The last refusal of the newest version, until a later version is in force.
  const std::optional<worker::v1::Nack>& refused() const { return refused_; }
  // True when the worker said that it runs exactly this version.
  bool Runs(const type::v1::ConfigVersion& version) const;

 private:
  std::vector<worker::v1::ConnectResponse> LastGood(const Versions& versions);
  bool Blocked(const type::v1::ConfigVersion& version, Instant now) const;
  absl::Status CheckAnswer(const type::v1::ConfigVersion& version) const;

  std::optional<type::v1::ConfigVersion> running_;
  std::optional<type::v1::ConfigVersion> sent_;
  bool in_flight_ = false;
  bool sent_last_good_ = false;   // What was sent last is not the newest.
  bool last_good_tried_ = false;  // Since the newest was refused.
  std::optional<worker::v1::Nack> refused_;
  std::optional<Instant> retry_at_;
  Duration backoff_{0};
};

// Equality of all three parts of a version.
bool SameVersion(const type::v1::ConfigVersion& a, const type::v1::ConfigVersion& b);

}  // namespace lb::controlplane
