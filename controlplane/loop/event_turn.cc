#include "controlplane/loop/event_turn.h"

#include <chrono>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "controlplane/admin/duration_field.h"
#include "controlplane/admin/list_query.h"
#include "controlplane/admin/proto_time.h"
#include "controlplane/events/event_kinds.h"

namespace lb::controlplane {
namespace {

EventFilter FilterOf(const google::protobuf::RepeatedPtrField<std::string>& kinds,
                     const std::string& resource) {
  return {.kinds = {kinds.begin(), kinds.end()}, .resource = resource};
}

// The number after which a watch begins.
Outcome<uint64_t> BeginOf(const admin::v1::WatchEventsRequest& call, const Parts& parts,
                          Instant now) {
  const Outcome<Duration> since =
      ReadDuration("since", call.has_since(), call.since(), Duration::zero(), kAgoRange);
  if (const auto* failure = std::get_if<Failure>(&since)) return *failure;
  if (!call.resume_token().empty()) return parts.events.Resume(call.resume_token());
  if (!call.has_since()) return parts.events.newest();
  const WallTime oldest = WallOf(now - std::get<Duration>(since), parts);
  for (const EventLog::Shared& event : parts.events.After(0))
    if (FromProto(event->time()) >= oldest) return EventLog::NumberOf(*event) - 1;
  return parts.events.newest();
}

}  // namespace

WallTime WallOf(Instant instant, const Parts& parts) {
  const Duration since = instant.time_since_epoch() + parts.wall_offset.value_or(Duration::zero());
  return WallTime(std::chrono::duration_cast<WallTime::duration>(since));
}

Outcome<admin::v1::Event> OnWatchEvents(const admin::v1::WatchEventsRequest& call,
                                        const AdminRequest& event, Parts& parts, Turn& turn) {
  if (parts.events.watches.size() >= EventLog::kMaxWatches)
    return Failure{absl::ResourceExhaustedError("too many watches; end one, or try again"),
                   "TOO_MANY_WATCHES"};
  if (auto failure = CheckKinds({call.kinds().begin(), call.kinds().end()}))
    return *std::move(failure);
  const Outcome<uint64_t> begin = BeginOf(call, parts, turn.now);
  if (const auto* failure = std::get_if<Failure>(&begin)) return *failure;
  EventFilter filter = FilterOf(call.kinds(), call.resource());
  Outcome<Filter> expression = Filter::Parse(call.filter(), *admin::v1::Event::descriptor());
  if (auto* failure = std::get_if<Failure>(&expression)) return std::move(*failure);
  filter.expression = std::get<Filter>(std::move(expression));
  for (const EventLog::Shared& past : parts.events.After(std::get<uint64_t>(begin)))
    if (filter.Wants(*past)) turn.actions.push_back(StreamItem{event.request, past});
  parts.events.watches.emplace(event.request, std::move(filter));
  return Later{};
}

Outcome<admin::v1::ListEventsResponse> ListEvents(const admin::v1::ListEventsRequest& call,
                                                  const Parts& parts) {
  if (auto failure = CheckKinds({call.kinds().begin(), call.kinds().end()}))
    return *std::move(failure);
  const Outcome<ListQuery> query =
      ListQuery::Read(parts.page_key, call, *admin::v1::Event::descriptor());
  if (const auto* failure = std::get_if<Failure>(&query)) return *failure;
  const std::string& last = std::get<ListQuery>(query).after();
  uint64_t after = 0;
  if (!last.empty() && !absl::SimpleAtoi(last, &after)) after = 0;
  PageMaker<admin::v1::Event> page(std::get<ListQuery>(query));
  const EventFilter filter = FilterOf(call.kinds(), call.resource());
  admin::v1::ListEventsResponse out;
  for (const EventLog::Shared& event : parts.events.After(after)) {
    if (!filter.Wants(*event)) continue;
    if (!page.Offer(*event, absl::StrCat(EventLog::NumberOf(*event)))) break;
  }
  page.Finish(*out.mutable_events(), *out.mutable_next_page_token());
  return out;
}

void PublishEvents(Parts& parts, Turn& turn) {
  for (admin::v1::Event& happened : std::exchange(turn.happened, {})) {
    *happened.mutable_time() = ToProto(WallOf(turn.now, parts));
    const EventLog::Shared event = parts.events.Add(std::move(happened));
    for (const auto& [request, filter] : parts.events.watches)
      if (filter.Wants(*event)) turn.actions.push_back(StreamItem{request, event});
  }
}

}  // namespace lb::controlplane
