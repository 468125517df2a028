// Configurations that wait to be confirmed, and what takes them back.
#include "controlplane/loop/config_change_fixture.h"

namespace lb::controlplane {
namespace {

TEST_F(ConfigChangeTest, WhatIsNotConfirmedInTimeIsRolledBack) {
  EXPECT_TRUE(ApplyWithConfirm("second", 5).config().has_confirm_deadline_time());
  Pass(seconds(4));
  EXPECT_EQ(file_, "second");
  Pass(seconds(2));
  EXPECT_EQ(file_, "first");
  EXPECT_EQ(Running().revision(), 3u);
  EXPECT_EQ(Running().source(), admin::v1::Config::SOURCE_AUTOMATIC_ROLLBACK);
  EXPECT_EQ(loop_->NextDeadline() > now_, true);
}

TEST_F(ConfigChangeTest, WhatIsConfirmedStays) {
  ApplyWithConfirm("second", 5);
  Apply("third");
  EXPECT_EQ(reason_, "CONFIRMATION_PENDING");
  EXPECT_EQ(Get<admin::v1::Config>(admin::v1::ConfirmConfigRequest()).name(), "configs/2");
  Pass(seconds(10));
  EXPECT_EQ(file_, "second");
  Get<admin::v1::Config>(admin::v1::ConfirmConfigRequest());
  EXPECT_EQ(reason_, "NOT_PENDING");
}

TEST_F(ConfigChangeTest, ARestartGoesOnWaiting) {
  ApplyWithConfirm("second", 5);
  Start();
  Pass(seconds(4));
  EXPECT_EQ(file_, "second");
  Pass(seconds(2));
  EXPECT_EQ(file_, "first");
}

TEST_F(ConfigChangeTest, ARestartAfterTheDeadlineRollsBackAtOnce) {
  ApplyWithConfirm("second", 5);
  now_ += seconds(60);
  Start();
  RunTries();
  EXPECT_EQ(file_, "first");
}

// Goal: a kill between any two steps leaves the old configuration, or the new one still to be
// confirmed. Method: the process ends before and after the file was written.
TEST_F(ConfigChangeTest, AKillBeforeTheWriteForgetsTheConfirmation) {
  ApplyConfigRequest call;
  call.set_content("second");
  call.mutable_confirm_timeout()->set_seconds(5);
  Send(call);  // Stored; not written.
  Start();
  Pass(seconds(60));
  EXPECT_EQ(file_, "first");
  EXPECT_EQ(Running().revision(), 1u);
  EXPECT_EQ(Apply("third").config().content(), "");
  EXPECT_EQ(reason_, "");
}

TEST_F(ConfigChangeTest, AKillAfterTheWriteStillRollsBack) {
  ApplyConfigRequest call;
  call.set_content("second");
  call.mutable_confirm_timeout()->set_seconds(5);
  Send(call);
  file_ = "second";  // Written; nobody was told.
  Start();
  EXPECT_EQ(Running().content(), "second");
  Pass(seconds(6));
  EXPECT_EQ(file_, "first");
}

TEST_F(ConfigChangeTest, AnEditByHandEndsTheWaiting) {
  ApplyWithConfirm("second", 5);
  file_ = "edited";
  Handle(Read(file_));
  Pass(seconds(10));
  EXPECT_EQ(file_, "edited");
}

TEST_F(ConfigChangeTest, ARollbackThatFailsIsTriedAgain) {
  ApplyWithConfirm("second", 5);
  read_only_ = true;
  Pass(seconds(6));
  EXPECT_EQ(file_, "second");
  read_only_ = false;
  Pass(Confirmation::kRetryInterval);
  EXPECT_EQ(file_, "first");
}

TEST_F(ConfigChangeTest, TheTimeToConfirmIsADurationInItsRange) {
  const std::vector<std::pair<int64_t, int32_t>> wrong = {
      {0, 0}, {-5, 0}, {2, -500'000'000}, {0, 2'000'000'000}, {24 * 3600, 1}};
  for (const auto& [seconds_given, nanos] : wrong) {
    ApplyConfigRequest call;
    call.set_content("second");
    call.mutable_confirm_timeout()->set_seconds(seconds_given);
    call.mutable_confirm_timeout()->set_nanos(nanos);
    Get<ApplyConfigResponse>(call);
    EXPECT_EQ(reason_, "FIELD_INVALID") << seconds_given << " s, " << nanos << " ns";
    ASSERT_TRUE(failure_);
    EXPECT_EQ(failure_->violations.at(0).field, "confirm_timeout");
  }
  EXPECT_EQ(file_, "first");
}

TEST_F(ConfigChangeTest, AConfirmationIsToldWhenItIsOnTheDisk) {
  ApplyWithConfirm("second", 5);
  state_lost_ = true;
  Get<admin::v1::Config>(admin::v1::ConfirmConfigRequest());
  EXPECT_EQ(reason_, kStateNotSaved);
  EXPECT_TRUE(Events("config.confirmed").empty());
  state_lost_ = false;
  Send(admin::v1::ConfirmConfigRequest());
  EXPECT_TRUE(Events("config.confirmed").empty());  // That ran the tries after it was asked.
  const auto events = Events("config.confirmed");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].resource(), "configs/2");
}

TEST_F(ConfigChangeTest, ARollbackIsToldOnceAndWhenItIsDone) {
  ApplyWithConfirm("second", 5);
  read_only_ = true;
  Pass(seconds(6));
  Pass(Confirmation::kRetryInterval);
  EXPECT_EQ(Events("config.rollback_failed").size(), 2u);
  EXPECT_TRUE(Events("config.rolled_back").empty());
  read_only_ = false;
  Pass(Confirmation::kRetryInterval);
  EXPECT_EQ(file_, "first");
  const auto events = Events("config.rolled_back");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].resource(), "configs/1");
  EXPECT_EQ(events[0].attributes().at("to_revision"), "1");
  EXPECT_EQ(events[0].attributes().at("why"), "it was not confirmed in time");
}

// What runs already is written over a file that was refused.
TEST_F(ConfigChangeTest, NothingWaitsWhereThereIsNothingToGoBackTo) {
  file_ = "bad edit";
  Handle(Read(file_));
  ApplyConfigRequest call;
  call.set_content("first");
  call.set_force(true);
  call.mutable_confirm_timeout()->set_seconds(5);
  EXPECT_FALSE(Get<ApplyConfigResponse>(call).config().has_confirm_deadline_time());
  EXPECT_EQ(file_, "first");
  Pass(seconds(6));
  EXPECT_GT(loop_->NextDeadline(), now_);
}

// A worker that takes each version at once, and what it counts of the one backend of a rule.
class ConnectFailureTest : public ConfigChangeTest {
 protected:
  ConnectFailureTest() { Connect(); }

  void Connect() { Handle(WorkerMessage{++session_, HelloOf("worker-1", "i", 42)}); }

  void Carry(std::vector<Action> actions) override {
    ConfigChangeTest::Carry(actions);
    for (const Action& action : actions) {
      const auto* send = std::get_if<SendToWorker>(&action);
      if (send != nullptr && send->message.has_snapshot())
        to_ack_ = send->message.snapshot().version();
    }
  }

  void Report(const std::string& rule, uint64_t connects, uint64_t failures) {
    if (to_ack_) {
      WorkerMessage ack;
      ack.session = session_;
      *ack.message.mutable_ack()->mutable_version() = *std::exchange(to_ack_, std::nullopt);
      Handle(ack);
    }
    WorkerMessage report;
    report.session = session_;
    auto& backend = *report.message.mutable_stats()->add_backends();
    backend.set_rule(rule);
    backend.set_backend("a");
    backend.set_connects_total(connects);
    (*backend.mutable_connect_failures_total())["refused"] = failures;
    Handle(report);
    Pass(seconds(1));
  }

  SessionId session_ = 0;
  std::optional<type::v1::ConfigVersion> to_ack_;
};

TEST_F(ConnectFailureTest, FailingConnectsRollBackBeforeTheDeadline) {
  Report("first", 0, 0);
  ApplyWithConfirm("second", 60, 0.5);
  Report("second", 40, 19);
  EXPECT_EQ(file_, "second");
  Report("second", 42, 22);
  EXPECT_EQ(file_, "first");
}

// The backends of before are gone with all that they counted.
TEST_F(ConnectFailureTest, FailuresOfBackendsThatReplaceOthersAreSeen) {
  Report("first", 100'000, 0);
  ApplyWithConfirm("second", 60, 0.5);
  Report("second", 40, 40);
  EXPECT_EQ(file_, "first");
}

// Nothing but a busy rule that is well, beside one that is broken.
TEST_F(ConnectFailureTest, AHealthyRuleHidesNoOther) {
  Report("first", 0, 0);
  ApplyWithConfirm("second", 60, 0.5);
  Report("first", 0, 0);
  Pass(seconds(2));
  Report("first", 100'000, 0);
  EXPECT_EQ(file_, "second");
  Report("second", 40, 40);
  EXPECT_EQ(file_, "first");
}

TEST_F(ConnectFailureTest, ARestartDoesNotCountWhatFailedBefore) {
  Report("first", 9'000, 9'000);
  ApplyWithConfirm("second", 60, 0.5);
  Report("second", 30, 10);
  Start();
  Connect();
  Report("second", 9'030, 9'010);
  Report("second", 9'030, 9'010);
  Report("second", 9'060, 9'010);
  EXPECT_EQ(file_, "second");
  Report("second", 9'130, 9'110);
  EXPECT_EQ(file_, "first");
}

TEST_F(ConfigChangeTest, ARollbackIsANewRevisionWithOldContent) {
  Apply("second");
  Apply("third");
  admin::v1::RollbackConfigRequest call;
  EXPECT_EQ(Get<ApplyConfigResponse>(call).config().revision(), 4u);
  EXPECT_EQ(file_, "second");
  call.set_name("configs/1");
  Get<ApplyConfigResponse>(call);
  EXPECT_EQ(file_, "first");
  call.set_name("configs/99");
  Get<ApplyConfigResponse>(call);
  EXPECT_EQ(reason_, "REVISION_NOT_FOUND");
}

TEST_F(ConfigChangeTest, ARollbackDoesNotReturnToWhatWasGivenUp) {
  Apply("second");
  ApplyWithConfirm("third", 5);
  Pass(seconds(6));
  ASSERT_EQ(file_, "second");
  Get<ApplyConfigResponse>(admin::v1::RollbackConfigRequest());
  EXPECT_EQ(file_, "first");
}

TEST_F(ConfigChangeTest, TheHistoryIsListedNewestFirstInPages) {
  Apply("second");
  Apply("third");
  admin::v1::ListConfigsRequest call;
  call.set_page_size(2);
  auto page = Get<admin::v1::ListConfigsResponse>(call);
  ASSERT_EQ(page.configs_size(), 2);
  EXPECT_EQ(page.configs(0).revision(), 3u);
  EXPECT_TRUE(page.configs(0).running());
  EXPECT_EQ(page.configs(0).content(), "");
  call.set_page_token(page.next_page_token());
  page = Get<admin::v1::ListConfigsResponse>(call);
  ASSERT_EQ(page.configs_size(), 1);
  EXPECT_EQ(page.configs(0).revision(), 1u);
  EXPECT_EQ(page.next_page_token(), "");
}

// Who asks and hangs up at once must not fill the queue of the thread that looks.
TEST_F(ConfigChangeTest, WhatIsLookedAtIsBoundedAlsoWhenNobodyWaits) {
  admin::v1::ValidateConfigRequest call;
  call.set_content("second");
  for (int i = 0; i < 100; ++i) Handle(AdminCallEnded{Send(call)});
  EXPECT_EQ(tries_.size(), 64u);
  EXPECT_EQ(replies_.at(Send(call)).failure->reason, "TOO_MANY_CHANGES");
  RunTries();
  EXPECT_TRUE(Get<admin::v1::ValidateConfigResponse>(call).valid());
}

TEST_F(ConfigChangeTest, AChangeGoesOnWhenItsCallerIsGone) {
  ApplyConfigRequest call;
  call.set_content("second");
  const RequestId id = Send(call);
  Handle(AdminCallEnded{id});
  RunTries();
  EXPECT_EQ(file_, "second");
  EXPECT_FALSE(replies_.contains(id));
  EXPECT_EQ(Running().revision(), 2u);
}

}  // namespace
}  // namespace lb::controlplane
