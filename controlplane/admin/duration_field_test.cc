#include "controlplane/admin/duration_field.h"

#include <cstdint>
#include <string>

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

Outcome<Duration> Read(int64_t seconds, int32_t nanos, bool set = true) {
  google::protobuf::Duration duration;
  duration.set_seconds(seconds);
  duration.set_nanos(nanos);
  return ReadDuration("timeout", set, duration, std::chrono::seconds(30), kDrainRange);
}

std::string Refusal(int64_t seconds, int32_t nanos) {
  const Outcome<Duration> read = Read(seconds, nanos);
  const auto* failure = std::get_if<Failure>(&read);
  return failure == nullptr ? "" : failure->violations.at(0).description;
}

TEST(DurationFieldTest, WhatIsInsideTheRangeIsTaken) {
  EXPECT_EQ(std::get<Duration>(Read(0, 0, false)), std::chrono::seconds(30));
  EXPECT_EQ(std::get<Duration>(Read(1, 0)), std::chrono::seconds(1));
  EXPECT_EQ(std::get<Duration>(Read(1, 500'000'000)), std::chrono::milliseconds(1'500));
  EXPECT_EQ(std::get<Duration>(Read(604'800, 0)), std::chrono::hours(7 * 24));
}

TEST(DurationFieldTest, WhatIsOutsideIsRefusedWithItsRange) {
  EXPECT_EQ(Refusal(0, 0), "0 s is not 1 s to 7 days");
  EXPECT_EQ(Refusal(-5, 0), "-5 s is not 1 s to 7 days");
  EXPECT_EQ(Refusal(99'999'999'999, 0), "99999999999 s is not 1 s to 7 days");
  EXPECT_EQ(Refusal(604'800, 1), "604800 s and 1 ns is not 1 s to 7 days");
  EXPECT_EQ(Refusal(0, 999'999'999), "0 s and 999999999 ns is not 1 s to 7 days");
}

TEST(DurationFieldTest, WhatIsNoDurationIsRefused) {
  EXPECT_NE(Refusal(2, -1), "");
  EXPECT_NE(Refusal(2, 1'000'000'000), "");
}

}  // namespace
}  // namespace lb::controlplane
