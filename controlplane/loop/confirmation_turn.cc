#include "controlplane/loop/confirmation_turn.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controlplane/admin/config_answers.h"

namespace lb::controlplane {
namespace {

BackendTotals Connects(const Parts& parts) {
  BackendTotals sum;
  for (const LiveRule& rule : parts.live) {
    for (const LiveBackend& backend : rule.backends) {
      const BackendTotals one = parts.totals.OfBackend({rule.name, backend.name});
      sum.connects_total += one.connects_total;
      sum.connect_failures_total += one.connect_failures_total;
    }
  }
  return sum;
}

void RollBack(const char* why, Parts& parts, Turn& turn) {
  const Revision* previous = parts.history.Find(parts.confirmation->previous);
  if (previous == nullptr) {
    turn.Emit("config.rollback_failed", "", LogLevel::kError,
              "the configuration cannot be rolled back: the revision is not kept",
              {{"revision", absl::StrCat(parts.confirmation->previous)}});
    parts.confirmation.reset();
    turn.dirty = turn.urgent = true;
    return;
  }
  turn.Emit("config.rolled_back", ConfigName(previous->number), LogLevel::kWarn,
            "the configuration is rolled back",
            {{"why", why}, {"to_revision", absl::StrCat(previous->number)}});
  ConfigChange change;
  change.content = previous->content;
  change.origin = {admin::v1::Config::SOURCE_AUTOMATIC_ROLLBACK, "",
                   absl::StrCat("rolled back: ", why)};
  parts.changes.queue.push_front(std::move(change));
}

}  // namespace

void PrepareConfirmation(const ConfigChange& change, const std::string& digest, Parts& parts,
                         Turn& turn) {
  if (!change.confirm_timeout) return;
  Confirmation confirmation;
  confirmation.digest = digest;
  confirmation.previous = parts.history.newest()->number;
  confirmation.deadline = turn.now + *change.confirm_timeout;
  confirmation.deadline_wall =
      change.wall + std::chrono::duration_cast<WallTime::duration>(*change.confirm_timeout);
  confirmation.max_connect_failure_ratio = change.max_connect_failure_ratio;
  const BackendTotals before = Connects(parts);
  confirmation.connects_before = before.connects_total;
  confirmation.failures_before = before.connect_failures_total;
  parts.confirmation = std::move(confirmation);
  turn.dirty = turn.urgent = true;
}

void LookAtConfirmation(Parts& parts, Turn& turn) {
  ConfigChanges& changes = parts.changes;
  const Revision* running = parts.history.newest();
  if (!parts.confirmation || changes.token || running == nullptr) return;
  if (running->digest != parts.confirmation->digest) return;
  if (changes.retry_at && turn.now < *changes.retry_at) return;
  if (turn.now >= parts.confirmation->deadline)
    return RollBack("it was not confirmed in time", parts, turn);
  if (parts.confirmation->max_connect_failure_ratio <= 0) return;
  if (changes.next_look && turn.now < *changes.next_look) return;
  changes.next_look = turn.now + Confirmation::kLookInterval;
  const BackendTotals sum = Connects(parts);
  if (parts.confirmation->TooManyFailures(sum.connects_total, sum.connect_failures_total))
    RollBack("too many connects to backends fail", parts, turn);
}

Instant NextConfirmation(const Parts& parts) {
  const Revision* running = parts.history.newest();
  if (!parts.confirmation || parts.changes.token || running == nullptr) return Instant::max();
  if (running->digest != parts.confirmation->digest) return Instant::max();
  Instant next = parts.confirmation->deadline;
  if (parts.confirmation->max_connect_failure_ratio > 0 && parts.changes.next_look)
    next = std::min(next, *parts.changes.next_look);
  return std::max(next, parts.changes.retry_at.value_or(next));
}

}  // namespace lb::controlplane
