// Operations taken back, and orders that hold for what was seen only (etags).
#include <algorithm>

#include "controlplane/loop/api_fixture.h"
#include "lb/state/v1/state.pb.h"

namespace lb::controlplane {
namespace {

using admin::v1::CancelOperationRequest;
using State = admin::v1::Operation;

class CancelTest : public ApiFixture {
 protected:
  admin::v1::Operation Drain(const char* name) {
    return Ask<admin::v1::Operation>(Named<admin::v1::DrainBackendRequest>(name));
  }
  admin::v1::Operation Cancel(const admin::v1::Operation& operation, bool validate_only = false) {
    auto request = Named<CancelOperationRequest>(operation.name());
    request.set_validate_only(validate_only);
    return Ask<admin::v1::Operation>(request);
  }
  admin::v1::Backend SetWeight(const char* name, uint32_t weight) {
    auto request = Named<admin::v1::SetBackendWeightRequest>(name);
    request.set_weight(weight);
    return Ask<admin::v1::Backend>(request);
  }
};

TEST_F(CancelTest, ABackendIsWhatItWasBeforeItsDrain) {
  Load({"a", "b"});
  Connect(1, "w");
  SetWeight(kA, 3);
  const std::string before = Backend(kA).SerializeAsString();
  const admin::v1::Operation drain = Drain(kA);
  EXPECT_EQ(drain.state(), State::STATE_RUNNING);
  EXPECT_EQ(Backend(kA).weight(), 0u);
  EXPECT_EQ(Cancel(drain).state(), State::STATE_CANCELLED);
  EXPECT_EQ(Backend(kA).SerializeAsString(), before);
  EXPECT_EQ(Operation(drain.name()).state(), State::STATE_CANCELLED);
}

TEST_F(CancelTest, ABackendIsWhatItWasBeforeAlsoAfterARestart) {
  Load({"a", "b"});
  Connect(1, "w");
  SetWeight(kA, 3);
  Ask<admin::v1::Backend>(Named<admin::v1::MaintainBackendRequest>(kA));
  const std::string before = Backend(kA).SerializeAsString();
  const admin::v1::Operation drain = Drain(kA);
  Restart();
  Load({"a", "b"});
  EXPECT_EQ(Operation(drain.name()).state(), State::STATE_RUNNING);
  EXPECT_EQ(Backend(kA).admin_state(), type::v1::ADMIN_STATE_DRAIN);
  EXPECT_EQ(Cancel(drain).state(), State::STATE_CANCELLED);
  EXPECT_EQ(Backend(kA).admin_state(), type::v1::ADMIN_STATE_MAINT);
  EXPECT_EQ(Backend(kA).SerializeAsString(), before);
}

TEST_F(CancelTest, ABackendThatWasNotTouchedIsSoAgainAfterARestart) {
  Load({"a", "b"});
  Connect(1, "w");
  const admin::v1::Operation drain = Drain(kA);
  Restart();
  Load({"a", "b"});
  Cancel(drain);
  EXPECT_FALSE(Backend(kA).has_override());
}

// Goal: nobody guesses what a backend was before. Method: what is new in the state file is left
// out.
TEST_F(CancelTest, ADrainThatAnOlderReleaseBeganCannotBeCancelled) {
  Load({"a", "b"});
  Connect(1, "w");
  Ask<admin::v1::Backend>(Named<admin::v1::MaintainBackendRequest>(kA));
  const admin::v1::Operation drain = Drain(kA);
  state::v1::StoredState older;
  ASSERT_TRUE(older.ParseFromString(stored_));
  for (auto& operation : *older.mutable_operations()) operation.clear_before();
  stored_ = older.SerializeAsString();
  for (int lives = 0; lives < 2; ++lives) {
    Restart();
    Load({"a", "b"});
    auto cancel = Named<CancelOperationRequest>(drain.name());
    cancel.set_validate_only(true);
    EXPECT_EQ(ReasonOf(cancel), "OPERATION_NOT_CANCELLABLE");
    cancel.set_validate_only(false);
    EXPECT_EQ(ReasonOf(cancel), "OPERATION_NOT_CANCELLABLE");
    EXPECT_EQ(Operation(drain.name()).state(), State::STATE_RUNNING);
    EXPECT_EQ(Backend(kA).admin_state(), type::v1::ADMIN_STATE_DRAIN);
  }
}

TEST_F(CancelTest, ADrainThatTookOverAnotherGoesBackToBeforeBoth) {
  Load({"a", "b"});
  Connect(1, "w");
  Drain(kA);
  Cancel(Drain(kA));
  EXPECT_EQ(Backend(kA).admin_state(), type::v1::ADMIN_STATE_READY);
  EXPECT_FALSE(Backend(kA).has_override());
}

TEST_F(CancelTest, AWeightSetMeanwhileStays) {
  Load({"a", "b"});
  Connect(1, "w");
  const admin::v1::Operation drain = Drain(kA);
  SetWeight(kA, 7);
  Cancel(drain);
  EXPECT_EQ(Backend(kA).weight(), 7u);
}

TEST_F(CancelTest, ValidateOnlyTakesNothingBack) {
  Load({"a", "b"});
  Connect(1, "w");
  const admin::v1::Operation drain = Drain(kA);
  EXPECT_EQ(Cancel(drain, true).state(), State::STATE_CANCELLED);
  EXPECT_EQ(Operation(drain.name()).state(), State::STATE_RUNNING);
  EXPECT_EQ(Backend(kA).weight(), 0u);
}

TEST_F(CancelTest, WhatIsDoneOrUnknownCannotBeCancelled) {
  Load({"a", "b"});
  Connect(1, "w");
  const admin::v1::Operation drain = Drain(kA);
  Cancel(drain);
  EXPECT_EQ(ReasonOf(Named<CancelOperationRequest>(drain.name())), "OPERATION_DONE");
  EXPECT_EQ(replies_[0].failure->status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(Named<CancelOperationRequest>("operations/99")), "OPERATION_NOT_FOUND");
  const auto undrain =
      Ask<admin::v1::Operation>(Named<admin::v1::UndrainWorkerRequest>("workers/w"));
  EXPECT_EQ(ReasonOf(Named<CancelOperationRequest>(undrain.name())), "OPERATION_NOT_CANCELLABLE");
}

TEST_F(CancelTest, ADrainingWorkerIsUndrainedAlsoWhenItComesBackLater) {
  Connect(1, "w");
  auto request = Named<admin::v1::DrainWorkerRequest>("workers/w");
  request.set_force(true);
  const auto drain = Ask<admin::v1::Operation>(request);
  Handle(WorkerStreamEnded{1});
  sent_.clear();
  EXPECT_EQ(Cancel(drain).state(), State::STATE_CANCELLED);
  EXPECT_TRUE(sent_.empty());
  Connect(2, "w");
  EXPECT_TRUE(std::any_of(sent_.begin(), sent_.end(),
                          [](const auto& message) { return message.command().has_undrain(); }));
  EXPECT_FALSE(std::any_of(sent_.begin(), sent_.end(),
                           [](const auto& message) { return message.command().has_drain(); }));
  EXPECT_FALSE(Worker("workers/w").draining());
}

TEST_F(CancelTest, AKillIsStoppedAndWhatItClosedIsCounted) {
  Load({"a"});
  Connect(1, "w");
  admin::v1::KillConnectionsRequest request;
  request.set_all(true);
  sent_.clear();
  const auto kill = Ask<admin::v1::Operation>(request);
  const std::string id = sent_.at(0).command().id();
  sent_.clear();
  EXPECT_EQ(Cancel(kill).state(), State::STATE_CANCELLED);
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0].command().cancel_kill().command_id(), id);
  sent_.clear();
  Connect(2, "w");  // It did not say yet that it stopped.
  EXPECT_TRUE(std::any_of(sent_.begin(), sent_.end(),
                          [](const auto& message) { return message.command().has_cancel_kill(); }));
  worker::v1::ConnectRequest status;
  status.mutable_kill()->set_command_id(id);
  status.mutable_kill()->set_killed(5);
  status.mutable_kill()->set_done(true);
  Handle(WorkerMessage{2, status});
  EXPECT_EQ(Operation(kill.name()).connections_closed(), 5u);
  EXPECT_EQ(Operation(kill.name()).state(), State::STATE_CANCELLED);
}

TEST_F(CancelTest, AnOlderWorkerCannotStopAKill) {
  Load({"a"});
  Connect(1, "old", {"connections"});
  admin::v1::KillConnectionsRequest request;
  request.set_all(true);
  const auto kill = Ask<admin::v1::Operation>(request);
  EXPECT_EQ(ReasonOf(Named<CancelOperationRequest>(kill.name())), "MISSING_FEATURE");
  EXPECT_EQ(Operation(kill.name()).state(), State::STATE_RUNNING);
}

TEST_F(CancelTest, AnEtagIsOfWhatCallsChange) {
  Load({"a", "b"});
  const std::string first = Backend(kA).etag();
  EXPECT_NE(first, "");
  const admin::v1::Backend changed = SetWeight(kA, 3);
  EXPECT_NE(changed.etag(), first);
  EXPECT_EQ(Backend(kA).etag(), changed.etag());
  EXPECT_EQ(Ask<admin::v1::Backend>(Named<admin::v1::ResetBackendRequest>(kA)).etag(), first);
}

TEST_F(CancelTest, AnOrderForWhatIsNoMoreSoIsRefused) {
  Load({"a", "b"});
  const std::string seen = Backend(kA).etag();
  SetWeight(kA, 3);
  auto request = Named<admin::v1::DrainBackendRequest>(kA);
  request.set_etag(seen);
  EXPECT_EQ(ReasonOf(request), "ETAG_MISMATCH");
  const Failure failure = *replies_[0].failure;
  EXPECT_EQ(failure.status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(failure.metadata.at("expected"), seen);
  EXPECT_EQ(failure.metadata.at("current"), Backend(kA).etag());
  EXPECT_EQ(Backend(kA).weight(), 3u);
  request.set_etag(Backend(kA).etag());
  EXPECT_EQ(ReasonOf(request), "");
}

TEST_F(CancelTest, AWorkersEtagIsOfItsDrain) {
  Connect(1, "w");
  Connect(2, "v");
  const std::string seen = Worker("workers/w").etag();
  auto request = Named<admin::v1::DrainWorkerRequest>("workers/w");
  request.set_etag(seen);
  Ask<admin::v1::Operation>(request);
  auto undrain = Named<admin::v1::UndrainWorkerRequest>("workers/w");
  undrain.set_etag(seen);
  EXPECT_EQ(ReasonOf(undrain), "ETAG_MISMATCH");
  undrain.set_etag(Worker("workers/w").etag());
  EXPECT_EQ(ReasonOf(undrain), "");
  EXPECT_EQ(Worker("workers/w").etag(), seen);
}

TEST_F(CancelTest, AnEventWatchTakesTheFilterOfLists) {
  Load({"a", "b"});
  Connect(1, "w");
  admin::v1::WatchEventsRequest watch;
  watch.set_filter("attributes.author = alice AND kind = operation.cancelled");
  Call(watch);
  Cancel(Drain(kA));
  ASSERT_EQ(items_.size(), 1u);
  EXPECT_EQ(dynamic_cast<const admin::v1::Event&>(*items_[0].answer).resource(), kA);
  watch.set_filter("nonsense = 1");
  EXPECT_EQ(ReasonOf(watch), "FILTER_INVALID");
}

}  // namespace
}  // namespace lb::controlplane
