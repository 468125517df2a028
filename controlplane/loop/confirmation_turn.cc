#include "controlplane/loop/confirmation_turn.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"

namespace lb::controlplane {
namespace {

// Whether its content is in force, and not still to be written.
bool InForce(const Parts& parts) {
  const Revision* running = parts.history.newest();
  return parts.confirmation && !parts.changes.token && running != nullptr &&
         running->digest == parts.confirmation->digest;
}

// The rule whose connects fail too often; nullptr: none.
const std::string* FailingRule(const Parts& parts) {
  for (const auto& [rule, counts] : parts.connect_watch.rules())
    if (parts.confirmation->TooManyFailures(counts.connects, counts.failures)) return &rule;
  return nullptr;
}

void RollBack(const std::string& why, Parts& parts, Turn& turn) {
  const Revision* previous = parts.history.Find(parts.confirmation->previous);
  if (previous == nullptr) {
    turn.Emit("config.rollback_failed", "", LogLevel::kError,
              "the configuration cannot be rolled back: the revision is not kept",
              {{"revision", absl::StrCat(parts.confirmation->previous)}});
    parts.confirmation.reset();
    turn.dirty = turn.urgent = true;
    return;
  }
  ConfigChange change;
  change.content = previous->content;
  change.origin = {admin::v1::Config::SOURCE_AUTOMATIC_ROLLBACK, "",
                   absl::StrCat("rolled back: ", why)};
  change.why = why;
  change.to_revision = previous->number;
  parts.changes.queue.push_front(std::move(change));
}

}  // namespace

void PrepareConfirmation(const ConfigChange& change, const std::string& digest, Parts& parts,
                         Turn& turn) {
  // What runs is written over a file that was refused: there is nothing to go back to.
  if (!change.confirm_timeout || digest == parts.history.newest()->digest) return;
  Confirmation confirmation;
  confirmation.digest = digest;
  confirmation.previous = parts.history.newest()->number;
  confirmation.deadline = turn.now + *change.confirm_timeout;
  confirmation.deadline_wall =
      change.wall + std::chrono::duration_cast<WallTime::duration>(*change.confirm_timeout);
  confirmation.max_connect_failure_ratio = change.max_connect_failure_ratio;
  parts.confirmation = std::move(confirmation);
  parts.connect_watch = change.max_connect_failure_ratio > 0
                            ? ConnectWatch(parts.totals.BackendsByWorker())
                            : ConnectWatch();
  turn.dirty = turn.urgent = true;
}

void LookAtConfirmation(Parts& parts, Turn& turn) {
  ConfigChanges& changes = parts.changes;
  if (!parts.confirmation && !parts.connect_watch.empty()) parts.connect_watch = ConnectWatch();
  if (!InForce(parts)) return;
  if (changes.retry_at && turn.now < *changes.retry_at) return;
  if (turn.now >= parts.confirmation->deadline)
    return RollBack("it was not confirmed in time", parts, turn);
  if (parts.confirmation->max_connect_failure_ratio <= 0) return;
  if (changes.next_look && turn.now < *changes.next_look) return;
  changes.next_look = turn.now + Confirmation::kLookInterval;
  if (const std::string* rule = FailingRule(parts))
    RollBack(absl::StrCat("too many connects to the backends of rule ", *rule, " fail"), parts,
             turn);
}

void CountConnects(const WorkerKey& worker, const worker::v1::StatsReport& report, Parts& parts,
                   const Turn& turn) {
  if (!parts.confirmation || parts.confirmation->max_connect_failure_ratio <= 0) return;
  const bool runs = InForce(parts) && parts.workers.At(worker).lane.Runs(parts.versions.current());
  parts.connect_watch.Report(worker, report, runs, turn.now);
}

Instant NextConfirmation(const Parts& parts) {
  if (!InForce(parts)) return Instant::max();
  Instant next = parts.confirmation->deadline;
  if (parts.confirmation->max_connect_failure_ratio > 0 && parts.changes.next_look)
    next = std::min(next, *parts.changes.next_look);
  return std::max(next, parts.changes.retry_at.value_or(next));
}

}  // namespace lb::controlplane
