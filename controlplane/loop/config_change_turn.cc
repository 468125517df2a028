#include "controlplane/loop/config_change_turn.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/sha256.h"
#include "controlplane/admin/config_answers.h"
#include "controlplane/config/secrets.h"
#include "controlplane/loop/admin_turn.h"
#include "controlplane/loop/config_turn.h"

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

Failure Moved(const char* reason, const std::string& expected, const std::string& current,
              const Revision& running) {
  return {
      absl::AbortedError(absl::StrCat("the configuration has changed: revision ", running.number,
                                      " runs, not the one that this was made "
                                      "from; look at it and try again")),
      reason,
      {{"expected", expected}, {"current", current}, {"revision", absl::StrCat(running.number)}}};
}

// Whether the change was made from what runs.
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

absl::StatusOr<std::optional<Duration>> ConfirmTimeout(const admin::v1::ApplyConfigRequest& call) {
  if (!call.has_confirm_timeout()) return std::optional<Duration>();
  const auto& given = call.confirm_timeout();
  const Duration timeout =
      std::chrono::seconds(std::clamp<int64_t>(given.seconds(), 0, 1'000'000)) +
      std::chrono::nanoseconds(given.nanos());
  if (timeout < Confirmation::kMinTimeout || timeout > Confirmation::kMaxTimeout)
    return absl::InvalidArgumentError("confirm_timeout is from 1s to 24h");
  return std::optional<Duration>(timeout);
}

std::optional<Failure> Enqueue(ConfigChange change, Parts& parts) {
  if (parts.changes.queue.size() >= ConfigChanges::kMaxWaiting)
    return Failure{absl::ResourceExhaustedError("too many changes wait; try again"),
                   "TOO_MANY_CHANGES"};
  parts.changes.queue.push_back(std::move(change));
  return std::nullopt;
}

void Finish(std::optional<Failure> failure, Parts& parts, Turn& turn) {
  const ConfigChange change = std::move(parts.changes.queue.front());
  parts.changes.queue.pop_front();
  parts.changes.token.reset();
  if (!failure) return;
  if (change.request) return Fail(*change.request, *std::move(failure), turn);
  if (change.origin.source != admin::v1::Config::SOURCE_AUTOMATIC_ROLLBACK) return;
  turn.Emit("config.rollback_failed", "", LogLevel::kError,
            "the configuration cannot be rolled back; trying again",
            {{"error", std::string(failure->status.message())}});
  parts.changes.retry_at = turn.now + Confirmation::kRetryInterval;
}

// What is to be confirmed is stored before the file is written; see Confirmation.
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

void StartNext(Parts& parts, Turn& turn) {
  ConfigChanges& changes = parts.changes;
  while (!changes.queue.empty() && !changes.token) {
    ConfigChange& change = changes.queue.front();
    const bool automatic = change.origin.source == admin::v1::Config::SOURCE_AUTOMATIC_ROLLBACK;
    const bool back = automatic || change.origin.source == admin::v1::Config::SOURCE_ROLLBACK;
    std::optional<Failure> failure = CheckBase(change.etag, change.if_revision, parts);
    if (!failure && !back) failure = CheckConfirmation(parts);
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
    if (running != nullptr) PrepareConfirmation(change, digest, parts, turn);
    changes.token = ++changes.last_token;
    changes.to_write = TryConfig{*changes.token, change.content, true, parts.file.digest,
                                 change.warnings_as_errors};
  }
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

FoundIn FoundBy(const ConfigRead& read) { return {read.path, read.findings, read.findings_total}; }

Failure TriedFailure(const ConfigTried& event) {
  if (event.reason == kConfigInvalid) return InvalidConfig(FoundBy(event.read));
  return {event.status, event.reason, {{"file", event.read.path}}};
}

// The end of the change under way.
void Taken(const ConfigTried& event, Parts& parts, Turn& turn) {
  ConfigChange& change = parts.changes.queue.front();
  if (!event.status.ok()) {
    // Nothing was written, so there is nothing to confirm. A rollback is tried again.
    if (change.confirm_timeout) {
      parts.confirmation.reset();
      turn.dirty = turn.urgent = true;
    }
    return Finish(TriedFailure(event), parts, turn);
  }
  Plan plan;
  if (parts.config) plan = MakePlan(*parts.config, *event.read.config, parts.totals);
  // The one that was to be confirmed is gone, or is what comes into force now.
  if (parts.confirmation && parts.confirmation->digest != event.read.digest)
    parts.confirmation.reset();
  TakeConfig(event.read, change.origin, parts, turn);
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
  if (event.reason != kStateNotSaved)
    return Answer(question.request, DescribeRevision(running, parts.history, parts.confirmation),
                  turn);
  if (!parts.confirmation && running.digest == question.confirmed->digest)
    parts.confirmation = question.confirmed;
  Fail(question.request, {event.status, event.reason}, turn);
}

void AnswerQuestion(const ConfigQuestion& question, const ConfigTried& event, Parts& parts,
                    Turn& turn) {
  if (question.kind == ConfigQuestion::Kind::kConfirm)
    return Confirmed(question, event, parts, turn);
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
  answer.set_unchanged(running != nullptr && event.read.digest == running->digest);
  Answer(question.request, std::move(answer), turn);
}

}  // namespace

std::optional<Failure> Ask(ConfigQuestion question, const std::string& content, Parts& parts,
                           Turn& turn) {
  if (parts.changes.questions.size() >= ConfigChanges::kMaxQuestions)
    return Failure{absl::ResourceExhaustedError("too many configurations are being checked; try "
                                                "again"),
                   "TOO_MANY_CHANGES"};
  const uint64_t token = ++parts.changes.last_token;
  const bool strict = question.warnings_as_errors;
  parts.changes.questions.emplace(token, question);
  turn.actions.push_back(TryConfig{token, content, false, "", strict});
  return std::nullopt;
}

Outcome<admin::v1::ApplyConfigResponse> OnApply(const admin::v1::ApplyConfigRequest& call,
                                                const AdminRequest& event, Parts& parts,
                                                Turn& turn) {
  if (HasHiddenSecret(call.content()))
    return Failure{
        absl::InvalidArgumentError(absl::StrCat(
            "'", std::string(kHiddenSecret),
            "' stands where a secret was hidden; put the secret back, best as ${file:/path}")),
        "SECRET_HIDDEN"};
  const auto confirm = ConfirmTimeout(call);
  if (!confirm.ok()) return FieldFailure("confirm_timeout", confirm.status());
  const double ratio = call.max_connect_failure_ratio();
  if (!(ratio >= 0 && ratio <= 1) || (ratio > 0 && !*confirm))
    return FieldFailure("max_connect_failure_ratio",
                        absl::InvalidArgumentError("max_connect_failure_ratio is from 0 to 1, and "
                                                   "needs a confirm_timeout"));
  if (call.validate_only()) {
    std::optional<Failure> failure = CheckBase(call.etag(), call.if_revision(), parts);
    if (!failure) failure = CheckConfirmation(parts);
    if (!failure)
      failure = Ask({ConfigQuestion::Kind::kApply, event.request, call.warnings_as_errors()},
                    call.content(), parts, turn);
    if (failure) return *std::move(failure);
    return Later{};
  }
  ConfigChange change;
  change.request = event.request;
  change.content = call.content();
  change.origin = {admin::v1::Config::SOURCE_API, event.caller.name, call.message()};
  change.etag = call.etag();
  change.if_revision = call.if_revision();
  change.warnings_as_errors = call.warnings_as_errors();
  change.confirm_timeout = *confirm;
  change.max_connect_failure_ratio = ratio;
  change.wall = event.clock.wall;
  if (auto failure = Enqueue(std::move(change), parts)) return *std::move(failure);
  return Later{};
}

Outcome<admin::v1::ApplyConfigResponse> OnRollback(const admin::v1::RollbackConfigRequest& call,
                                                   const AdminRequest& event, Parts& parts) {
  const Revision* target = parts.history.previous();
  if (!call.name().empty()) {
    uint64_t number = 0;
    const absl::string_view digits = absl::StripPrefix(call.name(), kConfigPrefix);
    target = absl::SimpleAtoi(digits, &number) ? parts.history.Find(number) : nullptr;
  }
  if (target == nullptr)
    return Failure{absl::NotFoundError(call.name().empty()
                                           ? std::string("there is no revision before this one")
                                           : absl::StrCat("'", call.name(), "' is not kept")),
                   "REVISION_NOT_FOUND",
                   {{"name", call.name()}}};
  if (auto failure = CheckBase(call.etag(), call.if_revision(), parts)) return *std::move(failure);
  if (call.validate_only()) {
    admin::v1::ApplyConfigResponse answer;
    *answer.mutable_config() = DescribeRevision(*target, parts.history, parts.confirmation);
    answer.set_unchanged(target == parts.history.newest());
    return answer;
  }
  ConfigChange change;
  change.request = event.request;
  change.content = target->content;
  change.origin = {
      admin::v1::Config::SOURCE_ROLLBACK, event.caller.name,
      call.message().empty() ? absl::StrCat("back to revision ", target->number) : call.message()};
  change.etag = call.etag();
  change.if_revision = call.if_revision();
  if (auto failure = Enqueue(std::move(change), parts)) return *std::move(failure);
  return Later{};
}

Outcome<admin::v1::Config> OnConfirm(const admin::v1::ConfirmConfigRequest& call, RequestId request,
                                     Parts& parts, Turn& turn) {
  const Revision* running = parts.history.newest();
  const bool named =
      running != nullptr && (call.name().empty() || call.name() == ConfigName(running->number));
  const bool waits = parts.confirmation && running != nullptr &&
                     running->digest == parts.confirmation->digest && !parts.changes.token &&
                     !parts.changes.to_write;
  if (!named || !waits)
    return Failure{absl::FailedPreconditionError(
                       named || call.name().empty()
                           ? std::string("no configuration waits to be confirmed")
                           : absl::StrCat("'", call.name(), "' does not wait to be confirmed")),
                   "NOT_PENDING"};
  if (call.validate_only()) return DescribeRevision(*running, parts.history, parts.confirmation);
  const uint64_t token = ++parts.changes.last_token;
  parts.changes.questions.emplace(
      token, ConfigQuestion{ConfigQuestion::Kind::kConfirm, request, false, parts.confirmation});
  TryConfig wait{token, running->content, false, "", false};
  wait.after_save = true;
  parts.changes.to_write = std::move(wait);
  parts.confirmation.reset();
  turn.dirty = turn.urgent = true;
  turn.Emit("config.confirmed", ConfigName(running->number), LogLevel::kInfo,
            "the configuration is confirmed", {{"revision", absl::StrCat(running->number)}});
  return Later{};
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

Instant NextConfigChange(const Parts& parts) {
  const Revision* running = parts.history.newest();
  if (!parts.confirmation || parts.changes.token || running == nullptr) return Instant::max();
  if (running->digest != parts.confirmation->digest) return Instant::max();
  Instant next = parts.confirmation->deadline;
  if (parts.confirmation->max_connect_failure_ratio > 0 && parts.changes.next_look)
    next = std::min(next, *parts.changes.next_look);
  return std::max(next, parts.changes.retry_at.value_or(next));
}

void ForgetAsker(RequestId request, Parts& parts) {
  for (ConfigChange& change : parts.changes.queue)
    if (change.request == request) change.request.reset();
  std::erase_if(parts.changes.questions,
                [&](const auto& entry) { return entry.second.request == request; });
}

}  // namespace lb::controlplane
