// Changes of the configuration by the API, with a file that is a variable.
#include "controlplane/loop/config_change_fixture.h"

namespace lb::controlplane {
namespace {

TEST_F(ConfigChangeTest, AnApplyWritesTheFileAndIsTheNextRevision) {
  const ApplyConfigResponse answer = Apply("second");
  EXPECT_EQ(answer.config().name(), "configs/2");
  EXPECT_EQ(answer.changes_size(), 2);  // One rule goes, one comes.
  EXPECT_EQ(file_, "second");
  const admin::v1::Config running = Running();
  EXPECT_EQ(running.content(), "second");
  EXPECT_EQ(running.author(), "admin/ann");
  EXPECT_EQ(running.source(), admin::v1::Config::SOURCE_API);
  EXPECT_TRUE(running.has_version());
}

TEST_F(ConfigChangeTest, TheSameContentIsNoNewRevision) {
  EXPECT_TRUE(Apply("first").unchanged());
  EXPECT_EQ(Running().revision(), 1u);
}

// A message cut inside a character must not make the state unreadable.
TEST_F(ConfigChangeTest, ALongMessageInAnyLanguageSurvivesARestart) {
  ApplyConfigRequest call;
  call.set_content("second");
  call.set_message("a");
  for (int i = 0; i < 600; ++i) call.mutable_message()->append("\xC3\xA9");
  EXPECT_EQ(Get<ApplyConfigResponse>(call).config().revision(), 2u);
  Start();
  EXPECT_EQ(Running().revision(), 2u);
  EXPECT_EQ(Running().message(), call.message().substr(0, History::kMaxTextBytes - 1));
  EXPECT_EQ(Get<admin::v1::ListConfigsResponse>(admin::v1::ListConfigsRequest()).configs_size(), 2);
}

TEST_F(ConfigChangeTest, ErrorsAreRefusedWithTheirPlace) {
  Apply("bad");
  ASSERT_EQ(reason_, "CONFIG_INVALID");
  EXPECT_EQ(failure_->metadata.at("first_line"), "7");
  EXPECT_EQ(failure_->metadata.at("first_file"), kPath);
  ASSERT_EQ(failure_->violations.size(), 1u);
  EXPECT_EQ(failure_->violations[0].description, "lb.yaml:7:3: error LB0102: unknown key");
  EXPECT_EQ(file_, "first");
}

TEST_F(ConfigChangeTest, ValidateOnlyAndPlanChangeNothing) {
  ApplyConfigRequest call;
  call.set_content("second");
  call.set_validate_only(true);
  EXPECT_EQ(Get<ApplyConfigResponse>(call).changes_size(), 2);
  admin::v1::PlanConfigRequest plan;
  plan.set_content("second");
  const auto planned = Get<admin::v1::PlanConfigResponse>(plan);
  EXPECT_EQ(planned.changes_total(), 2u);
  EXPECT_EQ(planned.running().name(), "configs/1");
  EXPECT_EQ(file_, "first");
  EXPECT_EQ(Running().revision(), 1u);
}

TEST_F(ConfigChangeTest, AReadOnlyFileAndAFileThatMovedAreRefused) {
  read_only_ = true;
  Apply("second");
  EXPECT_EQ(reason_, "CONFIG_READ_ONLY");
  read_only_ = false;
  file_ = "edited";  // And not read yet.
  Apply("second");
  EXPECT_EQ(reason_, "CONFIG_MOVED");
  EXPECT_EQ(file_, "edited");
}

TEST_F(ConfigChangeTest, AnEditThatWasRefusedIsNotLostByAnApply) {
  Apply("second");
  file_ = "bad, half-made";
  Handle(Read(file_));
  EXPECT_EQ(Running().content(), "second");
  ApplyConfigRequest call;
  call.set_content("third");
  call.set_if_revision(2);
  Get<ApplyConfigResponse>(call);
  EXPECT_EQ(reason_, "CONFIG_FILE_BAD");
  EXPECT_EQ(failure_->metadata.at("file"), kPath);
  call.set_validate_only(true);
  Get<ApplyConfigResponse>(call);
  EXPECT_EQ(reason_, "CONFIG_FILE_BAD");
  Get<ApplyConfigResponse>(admin::v1::RollbackConfigRequest());
  EXPECT_EQ(reason_, "CONFIG_FILE_BAD");
  EXPECT_EQ(file_, "bad, half-made");
  call.set_validate_only(false);
  call.set_force(true);
  EXPECT_EQ(Get<ApplyConfigResponse>(call).config().revision(), 3u);
  EXPECT_EQ(file_, "third");
  EXPECT_EQ(beside_, "bad, half-made");
  EXPECT_EQ(Apply("fourth").config().revision(), 4u);
  EXPECT_EQ(beside_, "bad, half-made");  // What was accepted is not kept there.
}

TEST_F(ConfigChangeTest, AnAutomaticRollbackKeepsAnEditThatWasRefusedBeside) {
  ApplyWithConfirm("second", 5);
  file_ = "bad, half-made";
  Handle(Read(file_));
  Pass(seconds(6));
  EXPECT_EQ(file_, "first");
  EXPECT_EQ(beside_, "bad, half-made");
}

// The edit is read while the rollback is on its way, which then finds another file.
TEST_F(ConfigChangeTest, AnEditDuringTheRollbackEndsTheWaitingToo) {
  ApplyWithConfirm("second", 5);
  now_ += seconds(6);
  Handle(TimerFired{});
  ASSERT_EQ(tries_.size(), 1u);
  file_ = "edited";
  Handle(Read(file_));
  RunTries();
  EXPECT_EQ(file_, "edited");
  Pass(seconds(10));
  EXPECT_EQ(file_, "edited");
  EXPECT_EQ(Apply("third").config().content(), "");
  EXPECT_EQ(reason_, "");
  EXPECT_EQ(file_, "third");
}

// Goal: what runs is what is called running. Method: a start where the newest revision does not
// load any more and the shell takes the one before.
TEST_F(ConfigChangeTest, WhatServesAfterABadStartIsTheNewestRevision) {
  Apply("second");
  file_ = "bad";
  ConfigRead last_good = Read("first");
  last_good.from_history = true;
  Start(last_good);
  EXPECT_EQ(Running().revision(), 3u);
  EXPECT_EQ(Running().content(), "first");
  EXPECT_EQ(Running().source(), admin::v1::Config::SOURCE_AUTOMATIC_ROLLBACK);
  ApplyConfigRequest call;
  call.set_content("third");
  call.set_if_revision(2);
  call.set_force(true);
  Get<ApplyConfigResponse>(call);
  EXPECT_EQ(reason_, "REVISION_MISMATCH");
  last_good = Read("first");
  last_good.from_history = true;
  Start(last_good);
  EXPECT_EQ(Running().revision(), 3u) << "the same content is no new revision";
}

TEST_F(ConfigChangeTest, WithoutAHistoryThereIsNothingToConfirmAgainst) {
  state_.clear();
  kept_.clear();
  file_ = "bad";
  Start();
  ApplyConfigRequest call;
  call.set_content("second");
  call.set_force(true);
  call.mutable_confirm_timeout()->set_seconds(5);
  Get<ApplyConfigResponse>(call);
  EXPECT_EQ(reason_, "NOTHING_TO_RETURN_TO");
  call.clear_confirm_timeout();
  EXPECT_EQ(Get<ApplyConfigResponse>(call).config().revision(), 1u);
}

TEST_F(ConfigChangeTest, ARollbackIsCheckedAndPlannedInADryRun) {
  Apply("second");
  admin::v1::RollbackConfigRequest call;
  call.set_validate_only(true);
  const auto planned = Get<ApplyConfigResponse>(call);
  EXPECT_EQ(planned.config().name(), "configs/1");
  EXPECT_EQ(planned.changes_size(), 2);
  EXPECT_EQ(file_, "second");
  broken_ = "first";  // What it names is gone meanwhile.
  Get<ApplyConfigResponse>(call);
  EXPECT_EQ(reason_, "CONFIG_INVALID");
}

// Goal: of two who change what they read, one wins and the other is told; nothing that was accepted
// is lost. Method: two writers, each adding to the content that it saw, in a random order of
// reading, sending and carrying out.
TEST_F(ConfigChangeTest, OfTwoWritersOneWinsAndNothingIsLost) {
  std::mt19937 random(7);
  struct Writer {
    std::string seen;
    uint64_t revision = 0;
    RequestId sent = 0;
  } writers[2];
  uint64_t accepted = 0;
  uint64_t conflicts = 0;
  for (int round = 0; round < 1'000; ++round) {
    const size_t who = random() % 2;
    Writer& writer = writers[who];
    if (writer.sent == 0) {
      const admin::v1::Config running = Running();
      writer.seen = running.content();
      writer.revision = running.revision();
      ApplyConfigRequest call;
      call.set_content("r" + std::to_string(accepted) + (who == 0 ? "a" : "b"));
      call.set_if_revision(writer.revision);
      writer.sent = Send(call);
    }
    if (random() % 2 == 0) RunTries();
    for (Writer& one : writers) {
      if (one.sent == 0 || !replies_.contains(one.sent)) continue;
      const Reply& reply = replies_.at(one.sent);
      one.sent = 0;
      if (!reply.failure) {
        ++accepted;
        EXPECT_EQ(std::get<ApplyConfigResponse>(reply.answer).config().revision(),
                  one.revision + 1);
        continue;
      }
      ++conflicts;
      EXPECT_EQ(reply.failure->reason, "REVISION_MISMATCH");
      EXPECT_EQ(reply.failure->metadata.at("current"), std::to_string(one.revision + 1));
    }
  }
  RunTries();
  for (const Writer& one : writers)
    if (one.sent != 0 && !replies_.at(one.sent).failure) ++accepted;
  EXPECT_EQ(Running().revision(), 1 + accepted);
  EXPECT_EQ(Running().content(), file_);
  EXPECT_GT(conflicts, 50u);
  EXPECT_GT(accepted, 200u);
}

}  // namespace
}  // namespace lb::controlplane
