#include "controlplane/events/event_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/check.h"
#include "base/utf8.h"

namespace lb::controlplane {
namespace {

bool IsOrIsBelow(const std::string& name, const std::string& above, char separator) {
  if (name.compare(0, above.size(), above) != 0) return false;
  return name.size() == above.size() || name[above.size()] == separator;
}

void Cut(std::string& text, size_t most = EventLog::kMaxTextBytes) { text = CutUtf8(text, most); }

}  // namespace

bool EventFilter::Wants(const admin::v1::Event& event) const {
  if (!resource.empty() && !IsOrIsBelow(event.resource(), resource, '/')) return false;
  const bool of_kind =
      kinds.empty() || std::any_of(kinds.begin(), kinds.end(), [&](const std::string& kind) {
        return IsOrIsBelow(event.kind(), kind, '.');
      });
  return of_kind && expression.Matches(event);
}

EventLog::Shared EventLog::Add(admin::v1::Event event) {
  Cut(*event.mutable_message());
  Cut(*event.mutable_resource());
  LB_CHECK(event.attributes_size() <= static_cast<int>(kMaxAttributes));
  for (auto& [key, value] : *event.mutable_attributes()) Cut(value, kMaxAttributeBytes);
  event.set_resume_token(absl::StrCat(life_, ".", ++newest_));
  bytes_ += event.ByteSizeLong();
  events_.push_back(std::make_shared<const admin::v1::Event>(std::move(event)));
  while (events_.size() > kMaxEvents || bytes_ > kMaxBytes) {
    bytes_ -= events_.front()->ByteSizeLong();
    events_.pop_front();
  }
  return events_.back();
}

uint64_t EventLog::NumberOf(const admin::v1::Event& event) {
  const std::string& token = event.resume_token();
  uint64_t number = 0;
  LB_CHECK(absl::SimpleAtoi(token.substr(token.rfind('.') + 1), &number));
  return number;
}

Outcome<uint64_t> EventLog::Resume(const std::string& token) const {
  uint64_t number = 0;
  const size_t dot = token.rfind('.');
  if (dot == std::string::npos || !absl::SimpleAtoi(token.substr(dot + 1), &number))
    return FieldFailure("resume_token", "not one of an event", "RESUME_TOKEN_INVALID");
  const bool ours = token.substr(0, dot) == life_ && number <= newest_;
  const uint64_t oldest = newest_ + 1 - events_.size();
  if (ours && number + 1 >= oldest) return number;
  return Failure{absl::OutOfRangeError(
                     ours ? "resume_token: events after it are kept no more"
                          : "resume_token: of another life of the control plane; begin anew"),
                 "RESUME_TOKEN_TOO_OLD",
                 {{"oldest", events_.empty() ? "" : events_.front()->resume_token()}}};
}

std::vector<EventLog::Shared> EventLog::After(uint64_t after) const {
  std::vector<Shared> found;
  const uint64_t oldest = newest_ + 1 - events_.size();
  for (size_t i = after < oldest ? 0 : after + 1 - oldest; i < events_.size(); ++i)
    found.push_back(events_[i]);
  return found;
}

}  // namespace lb::controlplane
