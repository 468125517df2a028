#include "cli/backend.h"

#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "cli/client.h"
#include "cli/operation.h"
#include "cli/resource.h"
#include "cli/several.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

using Verb = BackendOptions::Verb;

constexpr std::chrono::seconds kGrace{15};  // A drain ends by itself at its timeout.

google::protobuf::Duration ToProto(std::chrono::milliseconds time) {
  google::protobuf::Duration out;
  out.set_seconds(time.count() / 1'000);
  out.set_nanos(static_cast<int32_t>(time.count() % 1'000) * 1'000'000);
  return out;
}

// What is said about a backend after its change.
std::string Words(const api::Backend& backend, const BackendOptions& options) {
  std::string state = "ready";
  if (backend.admin_state() == lb::type::v1::ADMIN_STATE_DRAIN) state = "drained";
  if (backend.admin_state() == lb::type::v1::ADMIN_STATE_MAINT) state = "in maintenance";
  const std::string weight =
      backend.override().has_weight_percent() && backend.weight() > 0
          ? absl::StrCat(backend.override().weight_percent(), "% of ", backend.configured_weight())
          : absl::StrCat(backend.weight(), " (configured: ", backend.configured_weight(), ")");
  return absl::StrCat("backend ", ShortBackendName(backend.name()),
                      options.dry_run ? " would be " : " is ", state, ", weight ", weight);
}

absl::StatusOr<ExitCode> Drain(const Globals& globals, AdminClient& client,
                               const BackendOptions& options, const std::string& name,
                               const PrintOne& print) {
  api::DrainBackendRequest request;
  request.set_name(name);
  *request.mutable_timeout() = ToProto(options.timeout);
  request.set_close_at_timeout(options.close);
  request.set_force(options.force);
  request.set_validate_only(options.dry_run);
  request.set_etag(options.etag);
  LB_ASSIGN_OR_RETURN(api::Operation operation, client.DrainBackend(request));
  const std::string what = absl::StrCat("backend ", ShortBackendName(name));
  if (options.wait && !options.dry_run) {
    LB_ASSIGN_OR_RETURN(
        operation, FollowOperation(globals, client, operation, what, options.timeout + kGrace));
  }
  const bool too_late =
      operation.error_code() == static_cast<int>(absl::StatusCode::kDeadlineExceeded);
  if (operation.error_code() != 0 && !too_late)
    return absl::Status(static_cast<absl::StatusCode>(operation.error_code()),
                        absl::StrCat(what, ": ", operation.error_message()));
  print(operation, operation.name(),
        absl::StrCat(what,
                     options.dry_run    ? ": "
                     : operation.done() ? " drained: "
                                        : " draining: ",
                     Escape(operation.status())));
  if (!options.wait && !options.dry_run && !globals.quiet)
    WriteErr(absl::StrCat("Take back: lbctl backend undrain ", ShortBackendName(name), "\n"));
  const bool in_time = operation.done() && operation.error_code() == 0;
  return options.wait && !in_time ? ExitCode::kFindings : ExitCode::kDone;
}

template <typename Request>
Request Named(const std::string& name, const BackendOptions& options) {
  Request request;
  request.set_name(name);
  request.set_validate_only(options.dry_run);
  request.set_etag(options.etag);
  return request;
}

// "50" or "50%".
absl::Status ParseWeight(const std::string& text, api::SetBackendWeightRequest& request) {
  absl::string_view number = text;
  const bool percent = absl::ConsumeSuffix(&number, "%");
  uint32_t value = 0;
  if (!absl::SimpleAtoi(number, &value))
    return UsageError(absl::StrCat("'", Escape(text), "' is not a weight: write N or N%"));
  if (percent)
    request.set_weight_percent(value);
  else
    request.set_weight(value);
  return absl::OkStatus();
}

absl::StatusOr<api::Backend> Change(AdminClient& client, const BackendOptions& options,
                                    const std::string& weight, const std::string& name) {
  if (options.verb == Verb::kUndrain)
    return client.UndrainBackend(Named<api::UndrainBackendRequest>(name, options));
  if (options.verb == Verb::kMaint) {
    auto request = Named<api::MaintainBackendRequest>(name, options);
    request.set_force(options.force);
    return client.MaintainBackend(request);
  }
  if (options.verb == Verb::kWeight && !options.reset) {
    auto request = Named<api::SetBackendWeightRequest>(name, options);
    request.set_force(options.force);
    LB_RETURN_IF_ERROR(ParseWeight(weight, request));
    return client.SetBackendWeight(request);
  }
  if (options.verb == Verb::kWeight) {
    // The configured weight, whatever it becomes; a drain stays.
    auto request = Named<api::SetBackendWeightRequest>(name, options);
    request.set_weight_percent(100);
    return client.SetBackendWeight(request);
  }
  return client.ResetBackend(Named<api::ResetBackendRequest>(name, options));
}

// A dry run of several backends of one rule asks about each as if it were changed alone.
void NoteDryRun(const Globals& globals, const BackendOptions& options,
                const std::vector<std::string>& names) {
  const bool takes_out = options.verb == Verb::kDrain || options.verb == Verb::kMaint ||
                         (options.verb == Verb::kWeight && !options.reset);
  if (!options.dry_run || !takes_out || options.force || globals.quiet) return;
  std::set<std::string> rules;
  for (const std::string& name : names) rules.insert(RuleOf(name));
  if (rules.size() == names.size()) return;
  WriteErr(
      "note: each backend was checked as if it were the only one; whether another of its rule "
      "takes "
      "connections after all of them is not known\n");
}

}  // namespace

absl::StatusOr<ExitCode> RunBackend(const Globals& globals, BackendOptions options) {
  std::string weight;
  if (options.verb == Verb::kWeight && !options.reset) {
    if (options.words.size() < 2)
      return UsageError("a backend and its weight are needed: RULE/BACKEND N, or N%");
    weight = options.words.back();
    options.words.pop_back();
    api::SetBackendWeightRequest checked;
    LB_RETURN_IF_ERROR(ParseWeight(weight, checked));
  }
  LB_ASSIGN_OR_RETURN(const std::vector<std::string> names, ParseBackendNames(options.words));
  if (!options.etag.empty() && names.size() > 1)
    return UsageError("--etag is of one backend, and several are named");
  LB_ASSIGN_OR_RETURN(auto client,
                      AdminClient::Connect({globals.endpoints, globals.timeout, globals.verbose}));
  const char* kind = options.verb == Verb::kDrain ? "OperationList" : "BackendList";
  NoteDryRun(globals, options, names);
  return RunForEach(
      globals, kind, names,
      [&](const std::string& name, const PrintOne& print) -> absl::StatusOr<ExitCode> {
        if (options.verb == Verb::kDrain) return Drain(globals, *client, options, name, print);
        LB_ASSIGN_OR_RETURN(const api::Backend backend, Change(*client, options, weight, name));
        print(backend, backend.name(), Words(backend, options));
        return ExitCode::kDone;
      });
}

}  // namespace lb::cli
