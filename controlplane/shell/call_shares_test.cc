#include "controlplane/shell/call_shares.h"

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

const Caller kViewer{Role::kViewer, "viewer/eve"};
const Caller kAdmin{Role::kAdmin, "admin/deploy"};
const Caller kLocal{Role::kViewer, "uid/1000"};
const Caller kRoot{Role::kAdmin, "uid/0"};

// Begins until the first refusal; how many were taken.
size_t Fill(CallShares& shares, const Caller& caller, CallKind kind) {
  size_t taken = 0;
  while (!shares.Begin(caller, kind)) ++taken;
  return taken;
}

TEST(CallSharesTest, NoViewerTakesTheRoomOfTheOthers) {
  for (const CallKind kind : {CallKind::kShort, CallKind::kWaiting, CallKind::kStream}) {
    CallShares shares;
    EXPECT_EQ(Fill(shares, kViewer, kind),
              CallShares::kBounds.at(static_cast<size_t>(kind)).of_caller);
    EXPECT_FALSE(shares.Begin({Role::kViewer, "viewer/bob"}, kind));
  }
}

TEST(CallSharesTest, HoweverManyViewersThereAreAdminsAndTheUnixSocketGetThrough) {
  for (const CallKind kind : {CallKind::kShort, CallKind::kWaiting, CallKind::kStream}) {
    CallShares shares;
    const auto& bounds = CallShares::kBounds.at(static_cast<size_t>(kind));
    size_t taken = 0;
    for (int i = 0; i < 100; ++i)
      taken += Fill(shares, {Role::kOperator, "operator/" + std::to_string(i)}, kind);
    EXPECT_EQ(taken, bounds.all - 2 * bounds.reserve);
    EXPECT_FALSE(shares.Begin(kLocal, kind));
    EXPECT_EQ(Fill(shares, kAdmin, kind), bounds.reserve - 1);
    EXPECT_EQ(Fill(shares, kRoot, kind), bounds.reserve);
  }
}

TEST(CallSharesTest, KindsAreCountedApartAndARefusalNamesTheLimit) {
  CallShares shares;
  Fill(shares, kViewer, CallKind::kWaiting);
  EXPECT_FALSE(shares.Begin(kViewer, CallKind::kShort));
  const auto refusal = shares.Begin(kViewer, CallKind::kWaiting);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, "TOO_MANY_CALLS");
  EXPECT_EQ(refusal->metadata.at("limit"), "32");
}

TEST(CallSharesTest, WhatHasEndedMakesRoom) {
  CallShares shares;
  Fill(shares, kViewer, CallKind::kStream);
  shares.End(kViewer, CallKind::kStream);
  EXPECT_FALSE(shares.Begin(kViewer, CallKind::kStream));
  EXPECT_TRUE(shares.Begin(kViewer, CallKind::kStream));
}

}  // namespace
}  // namespace lb::controlplane
