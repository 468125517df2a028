#include "cli/events.h"

#include <boost/json.hpp>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "cli/client.h"
#include "cli/event_client.h"
#include "cli/json.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "cli/views.h"
#include "google/protobuf/util/time_util.h"

namespace lb::cli {
namespace {

// Between two tries to reach a control plane that went away.
constexpr std::chrono::milliseconds kRetryInterval{500};
// Longer than any control plane keeps events.
constexpr int64_t kWholeHistoryS = 1 << 30;

const char* WordOf(api::Event::Severity severity) {
  switch (severity) {
    case api::Event::SEVERITY_ERROR:
      return "ERROR";
    case api::Event::SEVERITY_WARNING:
      return "WARN";
    default:
      return "INFO";
  }
}

Tone ToneOf(api::Event::Severity severity) {
  if (severity == api::Event::SEVERITY_ERROR) return Tone::kBad;
  return severity == api::Event::SEVERITY_WARNING ? Tone::kWarning : Tone::kGood;
}

// To the millisecond, as the programs' logs have it; -o json has all of it.
std::string ShortTime(const google::protobuf::Timestamp& time) {
  const absl::Time point = absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", point, absl::UTCTimeZone());
}

std::string Render(const Globals& globals, const api::Event& event) {
  if (globals.output == Output::kJson) return ToCompactJson(ToJson(event)) + "\n";
  if (globals.output == Output::kYaml) return "---\n" + ToYaml(ToJson(event));
  std::string line =
      absl::StrCat(ShortTime(event.time()), "  ",
                   Paint(WordOf(event.severity()), ToneOf(event.severity()), globals.color), "  ",
                   Escape(event.kind()), "  ", Escape(event.message()));
  if (!event.resource().empty()) absl::StrAppend(&line, "  ", Escape(event.resource()));
  // In a fixed order: a protobuf map has none.
  const std::map<std::string, std::string> attributes(event.attributes().begin(),
                                                      event.attributes().end());
  for (const auto& [key, value] : attributes)
    absl::StrAppend(&line, "  ", Escape(key), "=", Escape(value));
  return line + "\n";
}

void Note(const Globals& globals, const std::string& text) {
  if (!globals.quiet) WriteErr(text + "\n");
}

google::protobuf::Duration ToProto(std::chrono::milliseconds time) {
  return google::protobuf::util::TimeUtil::MillisecondsToDuration(time.count());
}

// What a restart or a moment's trouble may cure.
bool MayPass(const absl::Status& status) {
  return status.ok() || absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsCancelled(status) || absl::IsResourceExhausted(status);
}

}  // namespace

absl::StatusOr<ExitCode> RunGetEvents(const Globals& globals, const EventOptions& options) {
  api::ListEventsRequest request;
  for (const std::string& kind : options.kinds) request.add_kinds(kind);
  request.set_resource(options.resource);
  request.set_filter(options.filter);
  if (options.since) {
    const auto oldest = std::chrono::floor<std::chrono::milliseconds>(
        ReadClocks().wall.time_since_epoch() - *options.since);
    absl::StrAppend(request.mutable_filter(), options.filter.empty() ? "" : " AND ", "time >= ",
                    google::protobuf::util::TimeUtil::ToString(
                        google::protobuf::util::TimeUtil::MillisecondsToTimestamp(oldest.count())));
  }
  LB_ASSIGN_OR_RETURN(const std::vector<api::Event> events,
                      ListEvents({globals.endpoints, globals.timeout, globals.verbose}, request));
  if (globals.output == Output::kJson || globals.output == Output::kYaml) {
    boost::json::array items;
    for (const api::Event& event : events) items.push_back(ToJson(event));
    const boost::json::object list = {{"kind", "EventList"}, {"items", std::move(items)}};
    WriteOut(globals.output == Output::kJson ? ToPrettyJson(list) : ToYaml(list));
    return ExitCode::kDone;
  }
  std::string out;
  for (const api::Event& event : events) out += Render(globals, event);
  WriteOut(out);
  if (events.empty()) Note(globals, "no events");
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> RunWatchEvents(const Globals& globals, const EventOptions& options) {
  api::WatchEventsRequest request;
  for (const std::string& kind : options.kinds) request.add_kinds(kind);
  request.set_resource(options.resource);
  request.set_filter(options.filter);
  if (options.since) *request.mutable_since() = ToProto(*options.since);
  const Instant begin = ReadClocks().steady;
  bool reached = false;  // The control plane was there at all.
  bool waiting = false;
  for (;;) {
    const absl::Status status = WatchEvents(
        {globals.endpoints, globals.timeout, globals.verbose}, request, [&] { reached = true; },
        [&](const api::Event& event) {
          waiting = false;
          request.set_resume_token(event.resume_token());
          WriteOut(Render(globals, event));
        });
    if (absl::IsOutOfRange(status) && reached) {
      Note(globals,
           "events are missing here: the control plane was restarted, or too much happened");
      // All that it has of its new life.
      request.clear_resume_token();
      request.mutable_since()->set_seconds(kWholeHistoryS);
      continue;
    }
    if (!MayPass(status) || !reached) return status;
    // Nothing was seen that it could go on after: from where it began.
    if (request.resume_token().empty()) {
      const auto watched =
          std::chrono::ceil<std::chrono::milliseconds>(ReadClocks().steady - begin);
      const auto since = options.since.value_or(std::chrono::milliseconds::zero());
      *request.mutable_since() = ToProto(watched + since);
    }
    if (!waiting)
      Note(globals,
           absl::StrCat("waiting for the control plane: ", Escape(std::string(status.message()))));
    waiting = true;
    Pause(kRetryInterval);
  }
}

}  // namespace lb::cli
