#include "controlplane/loop/config_change_turn.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "controlplane/admin/config_answers.h"
#include "controlplane/loop/admin_turn.h"
#include "controlplane/loop/config_turn.h"
#include "controlplane/loop/confirmation_turn.h"
#include "controlplane/loop/last_good_turn.h"

namespace lb::controlplane {
namespace {

Failure Moved(const char* reason, const std::string& expected, const std::string& current,
              const Revision& running) {
  return {
      absl::AbortedError(absl::StrCat("the configuration has changed: revision ", running.number,
                                      " runs, not the one that this was made "
                                      "from; look at it and try again")),
      reason,
      {{"expected", expected}, {"current", current}, {"revision", absl::StrCat(running.number)}}};
}

// The one that waits was replaced by an edit of the file while a change was under way, or was never
// written: there is nothing left to confirm.
void DropLostConfirmation(Parts& parts, Turn& turn) {
  const Revision* running = parts.history.newest();
  if (!parts.confirmation || running == nullptr) return;
  if (running->digest == parts.confirmation->digest) return;
  parts.confirmation.reset();
  turn.dirty = turn.urgent = true;
}

void Finish(std::optional<Failure> failure, Parts& parts, Turn& turn) {
  const ConfigChange change = std::move(parts.changes.queue.front());
  parts.changes.queue.pop_front();
  parts.changes.token.reset();
  if (!failure) return;
  DropLostConfirmation(parts, turn);
  if (change.request) return Fail(*change.request, *std::move(failure), turn);
  if (change.origin.source != admin::v1::Config::SOURCE_AUTOMATIC_ROLLBACK) return;
  if (!parts.confirmation) return;  // Not wanted any more.
  turn.Emit("config.rollback_failed", "", LogLevel::kError,
            "the configuration cannot be rolled back; trying again",
            {{"error", std::string(failure->status.message())}});
  parts.changes.retry_at = turn.now + Confirmation::kRetryInterval;
}

void StartNext(Parts& parts, Turn& turn) {
  ConfigChanges& changes = parts.changes;
  while (!changes.queue.empty() && !changes.token) {
    ConfigChange& change = changes.queue.front();
    const bool automatic = change.origin.source == admin::v1::Config::SOURCE_AUTOMATIC_ROLLBACK;
    const bool back = automatic || change.origin.source == admin::v1::Config::SOURCE_ROLLBACK;
    std::optional<Failure> failure = CheckBase(change.etag, change.if_revision, parts);
    if (!failure && !back) failure = CheckConfirmation(parts);
    if (!failure && !automatic) failure = CheckFile(change.force, parts);
    if (!failure && change.confirm_timeout) failure = CheckReturn(parts);
    if (failure) {
      Finish(std::move(failure), parts, turn);
      continue;
    }
    const std::string digest = Sha256(change.content);
    const Revision* running = parts.history.newest();
    if (running != nullptr && digest == running->digest && digest == parts.file.digest) {
      if (change.request) {
        admin::v1::ApplyConfigResponse answer;
        *answer.mutable_config() = DescribeRevision(*running, parts.history, parts.confirmation);
        answer.set_unchanged(true);
        Answer(*change.request, std::move(answer), turn);
      }
      Finish(std::nullopt, parts, turn);
      continue;
    }
    PrepareConfirmation(change, digest, parts, turn);
    changes.token = ++changes.last_token;
    changes.to_write = TryConfig{*changes.token, change.content, true, parts.file.digest,
                                 change.warnings_as_errors};
    changes.to_write->keep_old = !parts.file.good;
  }
}

FoundIn FoundBy(const ConfigRead& read) { return {read.path, read.findings, read.findings_total}; }

Failure TriedFailure(const ConfigTried& event) {
  if (event.reason == kConfigInvalid) return InvalidConfig(FoundBy(event.read));
  return {event.status, event.reason, {{"file", event.read.path}}};
}

// The end of the change under way.
void Taken(const ConfigTried& event, Parts& parts, Turn& turn) {
  ConfigChange& change = parts.changes.queue.front();
  if (!event.status.ok()) return Finish(TriedFailure(event), parts, turn);
  Plan plan;
  if (parts.config) plan = MakePlan(*parts.config, *event.read.config, parts.totals);
  // The one that was to be confirmed is gone, or is what comes into force now.
  if (parts.confirmation && parts.confirmation->digest != event.read.digest)
    parts.confirmation.reset();
  TakeConfig(event.read, change.origin, parts, turn);
  if (change.origin.source == admin::v1::Config::SOURCE_AUTOMATIC_ROLLBACK)
    turn.Emit("config.rolled_back", ConfigName(change.to_revision), LogLevel::kWarn,
              "the configuration is rolled back",
              {{"why", change.why}, {"to_revision", absl::StrCat(change.to_revision)}});
  if (change.request) {
    admin::v1::ApplyConfigResponse answer = DescribePlan(plan, FoundBy(event.read));
    *answer.mutable_config() =
        DescribeRevision(*parts.history.newest(), parts.history, parts.confirmation);
    Answer(*change.request, std::move(answer), turn);
  }
  Finish(std::nullopt, parts, turn);
}

// Confirmed is what is on the disk: a kill after the answer must not bring the old one back.
void Confirmed(const ConfigQuestion& question, const ConfigTried& event, Parts& parts, Turn& turn) {
  const Revision& running = *parts.history.newest();
  if (event.reason != kStateNotSaved) {
    turn.Emit("config.confirmed", ConfigName(question.target), LogLevel::kInfo,
              "the configuration is confirmed", {{"revision", absl::StrCat(question.target)}});
    if (question.abandoned) return;
    return Answer(question.request, DescribeRevision(running, parts.history, parts.confirmation),
                  turn);
  }
  if (!parts.confirmation && running.digest == question.confirmed->digest)
    parts.confirmation = question.confirmed;
  if (question.abandoned) return;
  Fail(question.request, {event.status, event.reason}, turn);
}

void AnswerQuestion(const ConfigQuestion& question, const ConfigTried& event, Parts& parts,
                    Turn& turn) {
  if (question.kind == ConfigQuestion::Kind::kConfirm)
    return Confirmed(question, event, parts, turn);
  if (question.kind == ConfigQuestion::Kind::kLastGood) return TakeLastGood(event.read, parts);
  if (question.abandoned) return;
  const FoundIn found = FoundBy(event.read);
  if (question.kind == ConfigQuestion::Kind::kValidate)
    return Answer(question.request, DescribeFindings(found, event.read.config.has_value()), turn);
  if (!event.status.ok()) return Fail(question.request, TriedFailure(event), turn);
  Plan plan;
  if (parts.config) plan = MakePlan(*parts.config, *event.read.config, parts.totals);
  const Revision* running = parts.history.newest();
  const auto fill = [&](auto& answer, admin::v1::Config* config) {
    if (running == nullptr) return;
    *config = DescribeRevision(*running, parts.history, parts.confirmation);
    answer.set_changes_total(static_cast<uint32_t>(plan.changes_total));
  };
  if (question.kind == ConfigQuestion::Kind::kPlan) {
    admin::v1::PlanConfigResponse answer = DescribePlanOnly(plan, found);
    fill(answer, answer.mutable_running());
    return Answer(question.request, std::move(answer), turn);
  }
  admin::v1::ApplyConfigResponse answer = DescribePlan(plan, found);
  fill(answer, answer.mutable_config());
  if (question.kind == ConfigQuestion::Kind::kRollback) {
    const Revision* target = parts.history.Find(question.target);
    if (target == nullptr)
      return Fail(question.request,
                  {absl::NotFoundError("the revision is not kept any more"), "REVISION_NOT_FOUND"},
                  turn);
    *answer.mutable_config() = DescribeRevision(*target, parts.history, parts.confirmation);
  }
  answer.set_unchanged(running != nullptr && event.read.digest == running->digest);
  Answer(question.request, std::move(answer), turn);
}

}  // namespace

std::optional<Failure> CheckBase(const std::string& etag, uint64_t if_revision,
                                 const Parts& parts) {
  const Revision* running = parts.history.newest();
  if (running == nullptr) return std::nullopt;
  if (if_revision != 0 && if_revision != running->number)
    return Moved("REVISION_MISMATCH", absl::StrCat(if_revision), absl::StrCat(running->number),
                 *running);
  if (!etag.empty() && etag != EtagOf(running->digest))
    return Moved("ETAG_MISMATCH", etag, EtagOf(running->digest), *running);
  return std::nullopt;
}

std::optional<Failure> CheckConfirmation(const Parts& parts) {
  if (!parts.confirmation) return std::nullopt;
  return Failure{absl::FailedPreconditionError(
                     "a configuration waits to be confirmed: confirm it or roll it back first"),
                 "CONFIRMATION_PENDING"};
}

std::optional<Failure> CheckFile(bool force, const Parts& parts) {
  if (parts.file.good || parts.file.digest.empty() || force) return std::nullopt;
  // Only files of TLS that it names are bad: no edit would be lost.
  const Revision* running = parts.history.newest();
  if (running != nullptr && running->digest == parts.file.digest) return std::nullopt;
  return Failure{
      absl::FailedPreconditionError(absl::StrCat(
          parts.file.path,
          ": what stands there was refused; mend it, or write over it by force: it is kept "
          "beside, as ",
          parts.file.path, ".refused")),
      "CONFIG_FILE_BAD",
      {{"file", parts.file.path}}};
}

std::optional<Failure> CheckReturn(const Parts& parts) {
  if (parts.history.newest() != nullptr) return std::nullopt;
  return Failure{absl::FailedPreconditionError(
                     "no revision is kept that it could be rolled back to; apply it without a "
                     "confirmation"),
                 "NOTHING_TO_RETURN_TO"};
}

void OnConfigTried(const ConfigTried& event, Parts& parts, Turn& turn) {
  if (parts.changes.token == event.token) return Taken(event, parts, turn);
  const auto asked = parts.changes.questions.extract(event.token);
  if (!asked.empty()) AnswerQuestion(asked.mapped(), event, parts, turn);
}

void RunConfigChanges(Parts& parts, Turn& turn) {
  // What the file says now decides whether a change may replace it.
  if (parts.file.digest.empty()) return;
  LookAtConfirmation(parts, turn);
  StartNext(parts, turn);
}

void SendConfigChange(Parts& parts, Turn& turn) {
  if (!parts.changes.to_write) return;
  turn.actions.push_back(*std::exchange(parts.changes.to_write, std::nullopt));
}

void ForgetAsker(RequestId request, Parts& parts) {
  for (ConfigChange& change : parts.changes.queue)
    if (change.request == request) change.request.reset();
  // It is still being looked at, and counts until that is over.
  for (auto& [token, question] : parts.changes.questions)
    if (question.request == request) question.abandoned = true;
}

}  // namespace lb::controlplane
