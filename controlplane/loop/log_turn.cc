#include "controlplane/loop/log_turn.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "controlplane/admin/duration_field.h"
#include "controlplane/admin/proto_time.h"
#include "controlplane/admin/worker_answers.h"
#include "controlplane/snapshot/features.h"

namespace lb::controlplane {
namespace {

constexpr char kSelf[] = "controlplane";
constexpr char kAllWorkers[] = "workers/-";
constexpr char kGrpc[] = "/grpc";
constexpr std::chrono::minutes kDefaultDuration{10};

std::optional<LogLevel> FromProto(type::v1::LogLevel level) {
  switch (level) {
    case type::v1::LOG_LEVEL_TRACE:
      return LogLevel::kTrace;
    case type::v1::LOG_LEVEL_DEBUG:
      return LogLevel::kDebug;
    case type::v1::LOG_LEVEL_INFO:
      return LogLevel::kInfo;
    case type::v1::LOG_LEVEL_WARN:
      return LogLevel::kWarn;
    case type::v1::LOG_LEVEL_ERROR:
      return LogLevel::kError;
    default:
      return std::nullopt;
  }
}

type::v1::LogLevel ToProtoLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return type::v1::LOG_LEVEL_TRACE;
    case LogLevel::kDebug:
      return type::v1::LOG_LEVEL_DEBUG;
    case LogLevel::kInfo:
      return type::v1::LOG_LEVEL_INFO;
    case LogLevel::kWarn:
      return type::v1::LOG_LEVEL_WARN;
    case LogLevel::kError:
      return type::v1::LOG_LEVEL_ERROR;
  }
  return type::v1::LOG_LEVEL_UNSPECIFIED;
}

// What a component's name says: which process, and whether its own lines or gRPC's.
struct Component {
  std::string process;  // "controlplane", "workers/worker-1", "workers/-"
  bool grpc = false;

  const char* feature() const { return grpc ? kFeatureLogGrpc : kFeatureLogLevel; }
};

Component ParseComponent(const std::string& name) {
  const bool grpc = absl::EndsWith(name, kGrpc);
  return {std::string(absl::StripSuffix(name, kGrpc)), grpc};
}

// The workers that a component names, all of which can; the control plane itself is none.
Outcome<std::vector<WorkerKey>> FindWorkers(const View& view, const std::string& name) {
  const Component component = ParseComponent(name);
  std::vector<WorkerKey> found;
  if (component.process == kSelf) return found;
  if (component.process == kAllWorkers) {
    for (const auto& [session, key] : view.workers.sessions())
      if (view.workers.Find(key)->Knows(component.feature())) found.push_back(key);
    if (!found.empty()) return found;
    return Failure{
        absl::FailedPreconditionError("no worker is connected that can change its log level"),
        "MISSING_FEATURE"};
  }
  Outcome<WorkerKey> key = FindWorker(view, component.process);
  if (auto* failure = std::get_if<Failure>(&key)) {
    failure->reason = "COMPONENT_NOT_FOUND";
    failure->status = absl::NotFoundError(absl::StrCat(
        "'", name,
        "' does not exist: components are controlplane, workers/NAME, workers/-, and each of them "
        "with /grpc behind it"));
    return *failure;
  }
  const WorkerRecord& record = *view.workers.Find(std::get<0>(key));
  if (!record.session)
    return Failure{
        absl::FailedPreconditionError(absl::StrCat("'", component.process, "' is not connected")),
        "WORKER_DISCONNECTED"};
  if (!record.Knows(component.feature()))
    return Failure{absl::FailedPreconditionError(
                       absl::StrCat("'", name, "' cannot change its log level; upgrade it")),
                   "MISSING_FEATURE"};
  return std::vector<WorkerKey>{std::get<0>(key)};
}

void Note(const std::string& component, type::v1::LogLevel level, Instant until, Parts& parts) {
  if (level == type::v1::LOG_LEVEL_UNSPECIFIED)
    parts.log.erase(component);
  else
    parts.log[component] = {level, until};
}

void SendLevel(const WorkerKey& key, type::v1::LogLevel level, bool grpc, Duration duration,
               Parts& parts, Turn& turn) {
  worker::v1::ConnectResponse message;
  // Setting a level twice does no harm, so its id need not be another each time.
  message.mutable_command()->set_id(absl::StrCat(parts.self.incarnation(), "/log"));
  worker::v1::Command::SetLogLevel& order = *message.mutable_command()->mutable_set_log_level();
  order.set_level(level);
  order.set_grpc(grpc);
  *order.mutable_duration() = ToProto(duration);
  turn.Send(*parts.workers.At(key).session, std::move(message));
}

// The component of a worker's lines.
std::string ComponentOf(const WorkerKey& key, bool grpc) {
  return absl::StrCat("workers/", key.id, grpc ? kGrpc : "");
}

}  // namespace

admin::v1::GetLogLevelsResponse DescribeLogLevels(const View& view, const Parts& parts) {
  admin::v1::GetLogLevelsResponse out;
  const auto add = [&](const std::string& component, type::v1::LogLevel at_start) {
    admin::v1::LogSetting& setting = *out.add_settings();
    setting.set_component(component);
    setting.set_default_level(at_start);
    const auto it = parts.log.find(component);
    if (it == parts.log.end()) return;
    setting.set_level(it->second.level);
    *setting.mutable_return_time() = ToProto(view.clock.ToWall(it->second.until));
  };
  const auto add_process = [&](const std::string& process, type::v1::LogLevel at_start) {
    add(process, at_start);
    add(process + kGrpc, ToProtoLevel(kGrpcLogLevelAtStart));
  };
  add_process(kSelf, ToProtoLevel(parts.log_level));
  std::string last;
  for (const auto& [key, record] : parts.workers.workers())
    if (key.id != last)
      add_process(absl::StrCat("workers/", last = key.id),
                  parts.workers.FindNewest(key.id)->log_level);
  return out;
}

Outcome<admin::v1::GetLogLevelsResponse> ChangeLogLevel(
    const View& view, const AdminRequest& event, const admin::v1::SetLogLevelRequest& request,
    Parts& parts, Turn& turn) {
  const Outcome<std::vector<WorkerKey>> workers = FindWorkers(view, request.component());
  if (const auto* failure = std::get_if<Failure>(&workers)) return *failure;
  if (!type::v1::LogLevel_IsValid(request.level()))
    return FieldFailure("level", "an unknown value");
  const Outcome<Duration> read = ReadDuration("duration", request.has_duration(),
                                              request.duration(), kDefaultDuration, kReturnRange);
  if (const auto* failure = std::get_if<Failure>(&read)) return *failure;
  const Duration duration = std::get<Duration>(read);
  if (request.validate_only()) return DescribeLogLevels(view, parts);
  const auto set = parts.log.find(request.component());
  const std::string before = type::v1::LogLevel_Name(
      set == parts.log.end() ? type::v1::LOG_LEVEL_UNSPECIFIED : set->second.level);
  if (const Component component = ParseComponent(request.component()); component.process == kSelf) {
    turn.actions.push_back(SetLogLevel{FromProto(request.level()), component.grpc});
    Note(request.component(), request.level(), turn.now + duration, parts);
  }
  const bool grpc = ParseComponent(request.component()).grpc;
  for (const WorkerKey& key : std::get<0>(workers)) {
    SendLevel(key, request.level(), grpc, duration, parts, turn);
    Note(ComponentOf(key, grpc), request.level(), turn.now + duration, parts);
  }
  // As a warning, so that it is seen at any level but "error".
  const bool one = request.component() != kAllWorkers;
  turn.Emit("log.level", one && !std::get<0>(workers).empty() ? request.component() : "",
            LogLevel::kWarn, "log level set",
            {{"component", request.component()},
             {"before", before},
             {"after", type::v1::LogLevel_Name(request.level())},
             {"seconds",
              absl::StrCat(std::chrono::duration_cast<std::chrono::seconds>(duration).count())},
             {"author", event.caller.name}});
  return DescribeLogLevels(view, parts);
}

void ResendLogLevels(const WorkerKey& worker, Parts& parts, Turn& turn) {
  for (const bool grpc : {false, true}) {
    if (!parts.workers.At(worker).Knows(grpc ? kFeatureLogGrpc : kFeatureLogLevel)) continue;
    const auto set = parts.log.find(ComponentOf(worker, grpc));
    if (set == parts.log.end())
      SendLevel(worker, type::v1::LOG_LEVEL_UNSPECIFIED, grpc, Duration::zero(), parts, turn);
    else
      SendLevel(worker, set->second.level, grpc, set->second.until - turn.now, parts, turn);
  }
}

void StepLogLevels(Parts& parts, Turn& turn) {
  std::erase_if(parts.log, [&](const auto& entry) {
    if (turn.now < entry.second.until) return false;
    if (const Component component = ParseComponent(entry.first); component.process == kSelf)
      turn.actions.push_back(SetLogLevel{std::nullopt, component.grpc});
    return true;
  });
}

Instant NextLogDeadline(const Parts& parts) {
  Instant next = Instant::max();
  for (const auto& [component, set] : parts.log) next = std::min(next, set.until);
  return next;
}

}  // namespace lb::controlplane
