// Configurations on their way into force, one after the other: checked, written to the file, taken.
//
// Checking and writing are the shell's (TryConfig, ConfigTried); between the two this holds what is
// to become of the result. Threading: none.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "base/time.h"
#include "controlplane/loop/action.h"
#include "controlplane/loop/event.h"
#include "controlplane/revision/confirmation.h"
#include "controlplane/revision/history.h"

namespace lb::controlplane {

// One change of the configuration.
struct ConfigChange {
  std::optional<RequestId> request;  // Who waits for the answer; none after a cut or by itself.
  std::string content;
  Origin origin;
  std::string etag;          // Empty: whatever runs.
  uint64_t if_revision = 0;  // 0: whatever runs.
  bool warnings_as_errors = false;
  bool force = false;  // Also over a file that was refused.
  std::optional<Duration> confirm_timeout;
  double max_connect_failure_ratio = 0;
  WallTime wall{};  // When it was asked for.
  // Of a rollback that nobody asked for: its reason, and the revision whose content this is.
  std::string why;
  uint64_t to_revision = 0;
};

// A configuration that is only looked at.
struct ConfigQuestion {
  enum class Kind { kValidate, kPlan, kApply, kRollback, kConfirm, kLastGood };
  Kind kind = Kind::kValidate;
  RequestId request = 0;  // kLastGood: nobody's.
  bool warnings_as_errors = false;
  bool abandoned = false;  // Nobody waits for the answer any more.
  uint64_t target = 0;  // The revision to return to (kRollback), or that is confirmed (kConfirm).
  std::optional<Confirmation> confirmed{};  // kConfirm: waits again should the disk refuse.
};

struct ConfigChanges {
  // Changes that wait for the one under way.
  static constexpr size_t kMaxWaiting = 64;
  // Configurations looked at, at once: each is parsed in a helper thread.
  static constexpr size_t kMaxQuestions = 64;

  std::deque<ConfigChange> queue;  // The front one is under way when `token` is set.
  std::optional<uint64_t> token;
  std::map<uint64_t, ConfigQuestion> questions;  // By token.
  uint64_t last_token = 0;
  std::optional<TryConfig> to_write;  // Sent at the end of the turn, after the state was stored.
  std::optional<Instant> next_look;   // At the failures of a configuration that waits.
  std::optional<Instant> retry_at;    // Of a rollback that failed.
};

}  // namespace lb::controlplane
