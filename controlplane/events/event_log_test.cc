#include "controlplane/events/event_log.h"

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

std::string Add(EventLog& log, const std::string& kind, const std::string& resource = "") {
  admin::v1::Event event;
  event.set_kind(kind);
  event.set_resource(resource);
  return log.Add(std::move(event))->resume_token();
}

std::string ReasonOf(const Outcome<uint64_t>& outcome) {
  const auto* failure = std::get_if<Failure>(&outcome);
  return failure == nullptr ? "" : failure->reason;
}

TEST(EventLogTest, AWatchGoesOnExactlyAfterItsToken) {
  EventLog log("life");
  Add(log, "a");
  const std::string token = Add(log, "b");
  Add(log, "c");
  const auto after = log.After(std::get<uint64_t>(log.Resume(token)));
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after[0]->kind(), "c");
}

TEST(EventLogTest, AGapIsSaidAndNotPassedOver) {
  EventLog log("life");
  const std::string first = Add(log, "a");
  for (size_t i = 0; i < EventLog::kMaxEvents; ++i) Add(log, "x");
  EXPECT_EQ(ReasonOf(log.Resume(first)), "");  // The one after it is the oldest.
  Add(log, "x");
  EXPECT_EQ(ReasonOf(log.Resume(first)), "RESUME_TOKEN_TOO_OLD");
  EXPECT_EQ(log.After(0).size(), EventLog::kMaxEvents);
  EXPECT_EQ(ReasonOf(log.Resume("other.1")), "RESUME_TOKEN_TOO_OLD");
  EXPECT_EQ(ReasonOf(log.Resume("life.99999999")), "RESUME_TOKEN_TOO_OLD");
  const auto nonsense = log.Resume("nonsense");
  EXPECT_EQ(ReasonOf(nonsense), "RESUME_TOKEN_INVALID");
  EXPECT_EQ(std::get<Failure>(nonsense).violations.at(0).field, "resume_token");
}

TEST(EventLogTest, NoCharacterIsCutInTwo) {
  EventLog log("life");
  std::string text = "a";
  while (text.size() <= EventLog::kMaxTextBytes) text += "\xC3\xA9";
  admin::v1::Event event;
  event.set_message(text);
  event.set_resource(text);
  (*event.mutable_attributes())["backend"] = text;
  EXPECT_TRUE(admin::v1::Event().ParseFromString(log.Add(event)->SerializeAsString()));
}

TEST(EventLogTest, LargeEventsAreFewer) {
  EventLog log("life");
  admin::v1::Event event;
  event.set_message(std::string(100'000, 'x'));
  event.set_resource(std::string(100'000, 'x'));
  for (size_t i = 0; i < EventLog::kMaxAttributes; ++i)
    (*event.mutable_attributes())[std::to_string(i)] = std::string(100'000, 'x');
  for (size_t i = 0; i < EventLog::kMaxEvents; ++i) log.Add(event);
  size_t bytes = 0;
  for (const EventLog::Shared& kept : log.After(0)) bytes += kept->ByteSizeLong();
  EXPECT_LE(bytes, EventLog::kMaxBytes);
  EXPECT_GT(bytes, EventLog::kMaxBytes / 2);
  EXPECT_EQ(log.After(0).back()->resume_token(), "life." + std::to_string(EventLog::kMaxEvents));
}

TEST(EventLogTest, FiltersTakeAKindOrItsFamilyAndAResourceWithWhatIsBelow) {
  admin::v1::Event event;
  event.set_kind("backend.down");
  event.set_resource("rules/web/backends/a");
  const auto wants = [&](std::vector<std::string> kinds, const char* resource) {
    return EventFilter{std::move(kinds), resource}.Wants(event);
  };
  EXPECT_TRUE(wants({}, ""));
  EXPECT_TRUE(wants({"worker", "backend"}, ""));
  EXPECT_TRUE(wants({"backend.down"}, "rules/web"));
  EXPECT_FALSE(wants({"back"}, ""));
  EXPECT_FALSE(wants({}, "rules/we"));
}

}  // namespace
}  // namespace lb::controlplane
