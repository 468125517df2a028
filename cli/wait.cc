#include "cli/wait.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "cli/get.h"
#include "cli/older.h"
#include "cli/poller.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

// A person or a script waits for it.
constexpr std::chrono::milliseconds kInterval{200};

using Kind = Condition::Kind;

bool Fits(Kind kind, Type type) {
  switch (kind) {
    case Kind::kHealthy:
      return type == Type::kRule || type == Type::kBackend;
    case Kind::kDrained:
      return type == Type::kBackend || type == Type::kWorker;
    case Kind::kSynced:
    case Kind::kConnected:
      return type == Type::kWorker;
    case Kind::kDone:
      return type == Type::kOperation;
  }
  return false;
}

bool IsUp(const api::Backend& backend) {
  return backend.unresolved().empty() && backend.health() != lb::type::v1::HEALTH_STATE_UNHEALTHY;
}

}  // namespace

absl::StatusOr<Condition> ParseCondition(std::string_view text, Type type) {
  const size_t equals = text.find('=');
  const std::string_view word = text.substr(0, equals);
  Condition condition;
  if (text.empty() && type != Type::kOperation)
    return UsageError(absl::StrCat("--for=CONDITION is needed for ", Plural(type)),
                      "see: lbctl wait --help");
  if (word == "done" || (word.empty() && type == Type::kOperation))
    condition.kind = Kind::kDone;
  else if (word == "drained")
    condition.kind = Kind::kDrained;
  else if (word == "synced")
    condition.kind = Kind::kSynced;
  else if (word == "connected")
    condition.kind = Kind::kConnected;
  else if (word != "healthy")
    return UsageError(
        absl::StrCat("--for: '", Escape(text),
                     "' is none of healthy, healthy=N, drained, synced, connected, done"));
  if (!Fits(condition.kind, type))
    return UsageError(absl::StrCat("--for: ", Plural(type), " are never '", Escape(word), "'"));
  if (equals == std::string_view::npos) return condition;
  const std::string number(text.substr(equals + 1));
  if (condition.kind != Kind::kHealthy || type != Type::kRule ||
      !absl::SimpleAtoi(number, &condition.backends) || condition.backends == 0)
    return UsageError("--for: only healthy=N of rules has a number, 1 or more");
  return condition;
}

bool Meets(const Item& item, const Condition& condition) {
  if (const auto* rule = std::get_if<api::Rule>(&item))
    return rule->backends_up() >= condition.backends;
  if (const auto* backend = std::get_if<api::Backend>(&item))
    return condition.kind == Kind::kHealthy ? IsUp(*backend) : backend->drained();
  if (const auto* operation = std::get_if<api::Operation>(&item)) return operation->done();
  const auto& worker = std::get<api::Worker>(item);
  const bool connected = worker.sync() != api::Worker::SYNC_DISCONNECTED;
  switch (condition.kind) {
    case Kind::kSynced:
      return worker.sync() == api::Worker::SYNC_SYNCED;
    case Kind::kDrained:
      return connected && worker.drained();
    default:
      return connected;
  }
}

namespace {

// An operation that is done, but not what was asked for.
bool Failed(const Item& item) {
  const auto* operation = std::get_if<api::Operation>(&item);
  return operation != nullptr && operation->error_code() != 0;
}

// The line about a resource that is as it was waited for.
std::string EndOf(const Item& item, const std::string& text) {
  const auto* operation = std::get_if<api::Operation>(&item);
  if (operation == nullptr) return absl::StrCat(Escape(NameOf(item)), " is ", Escape(text), "\n");
  return absl::StrCat(Escape(operation->name()), ": ", Escape(operation->status()), "\n");
}

}  // namespace

absl::StatusOr<ExitCode> RunWait(const Globals& globals, const Selection& selection,
                                 const std::string& text, std::chrono::milliseconds limit) {
  LB_ASSIGN_OR_RETURN(const Condition condition, ParseCondition(text, selection.type));
  if (condition.kind == Kind::kDrained)
    LB_RETURN_IF_ERROR(CheckNotFirst(globals, "--for=drained: it never says that for sure"));
  const Instant end = ReadClocks().steady + limit;
  Poller poller(globals);
  for (;;) {
    Found found;
    LB_RETURN_IF_ERROR(poller.Poll([&](AdminClient& client) -> absl::Status {
      LB_ASSIGN_OR_RETURN(found, Fetch(client, selection));
      return absl::OkStatus();
    }));
    const bool all = found.missing.empty() && !found.items.empty() && poller.trouble().ok() &&
                     std::all_of(found.items.begin(), found.items.end(),
                                 [&](const Item& item) { return Meets(item, condition); });
    if (all) {
      for (const Item& item : found.items) WriteOut(EndOf(item, text));
      const bool well = std::none_of(found.items.begin(), found.items.end(), Failed);
      return well ? ExitCode::kDone : ExitCode::kFindings;
    }
    if (ReadClocks().steady >= end) {
      for (const auto& [name, error] : found.missing)
        WriteErr(absl::StrCat("lbctl: ", Escape(name), " does not exist\n"));
      for (const Item& item : found.items)
        if (!Meets(item, condition))
          WriteErr(absl::StrCat(Escape(NameOf(item)), " is not ", Escape(text), " in time\n"));
      return found.missing.empty() ? ExitCode::kFindings : ExitCode::kNotFound;
    }
    Pause(kInterval);
  }
}

}  // namespace lb::cli
