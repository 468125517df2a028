#include "controlplane/loop/config_call_turn.h"

#include <utility>
#include <variant>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "controlplane/admin/config_answers.h"
#include "controlplane/admin/duration_field.h"
#include "controlplane/config/secrets.h"
#include "controlplane/loop/config_change_turn.h"

namespace lb::controlplane {
namespace {

std::optional<Failure> Enqueue(ConfigChange change, Parts& parts) {
  if (parts.changes.queue.size() >= ConfigChanges::kMaxWaiting)
    return Failure{absl::ResourceExhaustedError("too many changes wait; try again"),
                   "TOO_MANY_CHANGES"};
  parts.changes.queue.push_back(std::move(change));
  return std::nullopt;
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
  const bool confirm = call.has_confirm_timeout();
  const Outcome<Duration> timeout = ReadDuration("confirm_timeout", confirm, call.confirm_timeout(),
                                                 Duration::zero(), kReturnRange);
  if (const auto* failure = std::get_if<Failure>(&timeout)) return *failure;
  const double ratio = call.max_connect_failure_ratio();
  if (!(ratio >= 0 && ratio <= 1) || (ratio > 0 && !confirm))
    return FieldFailure("max_connect_failure_ratio",
                        "it is not 0 to 1, or there is no confirm_timeout");
  if (call.validate_only()) {
    std::optional<Failure> failure = CheckBase(call.etag(), call.if_revision(), parts);
    if (!failure) failure = CheckConfirmation(parts);
    if (!failure) failure = CheckFile(call.force(), parts);
    if (!failure && confirm) failure = CheckReturn(parts);
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
  change.force = call.force();
  if (confirm) change.confirm_timeout = std::get<Duration>(timeout);
  change.max_connect_failure_ratio = ratio;
  change.wall = event.clock.wall;
  if (auto failure = Enqueue(std::move(change), parts)) return *std::move(failure);
  return Later{};
}

Outcome<admin::v1::ApplyConfigResponse> OnRollback(const admin::v1::RollbackConfigRequest& call,
                                                   const AdminRequest& event, Parts& parts,
                                                   Turn& turn) {
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
    if (auto failure = CheckFile(call.force(), parts)) return *std::move(failure);
    ConfigQuestion question{ConfigQuestion::Kind::kRollback, event.request};
    question.target = target->number;
    if (auto failure = Ask(std::move(question), target->content, parts, turn))
      return *std::move(failure);
    return Later{};
  }
  ConfigChange change;
  change.request = event.request;
  change.content = target->content;
  change.origin = {
      admin::v1::Config::SOURCE_ROLLBACK, event.caller.name,
      call.message().empty() ? absl::StrCat("back to revision ", target->number) : call.message()};
  change.etag = call.etag();
  change.if_revision = call.if_revision();
  change.force = call.force();
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
      token, ConfigQuestion{ConfigQuestion::Kind::kConfirm, request, false, false, running->number,
                            parts.confirmation});
  TryConfig wait{token, running->content, false, "", false};
  wait.after_save = true;
  parts.changes.to_write = std::move(wait);
  parts.confirmation.reset();
  turn.dirty = turn.urgent = true;
  return Later{};
}

}  // namespace lb::controlplane
