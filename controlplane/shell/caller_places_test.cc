#include "controlplane/shell/caller_places.h"

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

Identity User(int uid) { return {{Role::kViewer, "uid/" + std::to_string(uid)}}; }

TEST(CallerPlacesTest, EveryCallerHasItsOwnAndKeepsIt) {
  CallerPlaces places(3);
  const Instant now = Instant() + std::chrono::hours(1);
  EXPECT_EQ(places.Take(User(1), now), 0u);
  EXPECT_EQ(places.Take(User(2), now), 1u);
  EXPECT_EQ(places.Take(User(1), now), 0u);
  EXPECT_EQ(places.Take({{Role::kAdmin, "uid/1"}}, now), 2u);
}

TEST(CallerPlacesTest, ProcessesThatAreToldApartShareNothing) {
  CallerPlaces places(2);
  const Instant now = Instant() + std::chrono::hours(1);
  const auto process = [](pid_t pid) { return Identity{{Role::kNone, "uid/1"}, "", pid}; };
  EXPECT_EQ(places.Take(process(100), now), 0u);
  EXPECT_EQ(places.Take(process(200), now), 1u);
  EXPECT_EQ(places.Take(process(100), now), 0u);
  EXPECT_EQ(places.Take(process(300), now), std::nullopt);
  places.End(process(200), now);
  EXPECT_EQ(places.Take(process(300), now + CallerPlaces::kRest), 1u);
}

// Goal: two callers never share a name, however many come. Method: more than there are places, one
// after the other.
TEST(CallerPlacesTest, APlaceIsGivenOnWhenItIsEmptyForAWhile) {
  CallerPlaces places(2);
  Instant now = Instant() + std::chrono::hours(1);
  EXPECT_EQ(places.Take(User(1), now), 0u);
  EXPECT_EQ(places.Take(User(2), now), 1u);
  EXPECT_EQ(places.Take(User(2), now), 1u);
  EXPECT_EQ(places.Take(User(3), now), std::nullopt);
  places.End(User(2), now);
  now += CallerPlaces::kRest;
  EXPECT_EQ(places.Take(User(3), now), std::nullopt);
  places.End(User(2), now);
  EXPECT_EQ(places.Take(User(3), now + CallerPlaces::kRest / 2), std::nullopt);
  now += CallerPlaces::kRest;
  EXPECT_EQ(places.Take(User(3), now), 1u);
  EXPECT_EQ(places.Take(User(2), now), std::nullopt);
}

TEST(CallerPlacesTest, ACallerThatComesBackInTimeHasItsPlace) {
  CallerPlaces places(1);
  const Instant now = Instant() + std::chrono::hours(1);
  places.Take(User(1), now);
  places.End(User(1), now);
  EXPECT_EQ(places.Take(User(1), now + CallerPlaces::kRest), 0u);
  EXPECT_EQ(places.Take(User(2), now + 2 * CallerPlaces::kRest), std::nullopt);
}

}  // namespace
}  // namespace lb::controlplane
