// Changes of the configuration by the API, with a file that is a variable.
#include <algorithm>
#include <random>

#include "base/sha256.h"
#include "controlplane/loop/control_loop.h"
#include "controlplane/loop/test_messages.h"
#include "controlplane/revision/confirmation.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using admin::v1::ApplyConfigRequest;
using admin::v1::ApplyConfigResponse;
using std::chrono::seconds;

constexpr char kPath[] = "lb.yaml";

// A control plane, a file, and a disk that keeps state and revisions. A content is one rule, named
// like the content; one that begins with "bad" has an error.
class ConfigChangeTest : public testing::Test {
 protected:
  ConfigChangeTest() {
    file_ = "first";
    Start();
  }

  // A process that starts: what is on disk, then the file.
  void Start() {
    ControlLoop::Options options;
    options.node_id = "node";
    options.incarnation = "life" + std::to_string(++lives_);
    options.start_time = WallTime(now_.time_since_epoch());
    options.stored_state = state_;
    options.revisions = kept_;
    std::vector<Action> actions;
    loop_ = std::make_unique<ControlLoop>(options, now_, actions);
    tries_.clear();
    Carry(std::move(actions));
    Handle(Read(file_));
  }

  ConfigRead Read(const std::string& content) const {
    ConfigRead read;
    read.path = kPath;
    read.content = content;
    read.digest = Sha256(content);
    if (content.rfind("bad", 0) == 0) {
      read.findings = {
          {Finding::Severity::kError, "LB0102", "unknown key", "rules[0].x", 7, 3, 1, ""}};
      read.findings_total = 1;
      return read;
    }
    Config config;
    RuleConfig& rule = config.rules.emplace_back();
    rule.name = content;
    rule.listen = Endpoint::Parse("127.0.0.1:80").value();
    rule.backends = {{"a", Endpoint::Parse("127.0.0.1:81").value(), 1, {}}};
    read.config = config;
    return read;
  }

  void Handle(const Event& event) {
    std::vector<Action> actions;
    loop_->Handle(event, now_, actions);
    Carry(std::move(actions));
  }

  void Carry(std::vector<Action> actions) {
    for (Action& action : actions) {
      if (auto* save = std::get_if<SaveState>(&action)) state_ = save->bytes;
      if (auto* keep = std::get_if<KeepRevision>(&action)) kept_[keep->number] = keep->content;
      if (auto* drop = std::get_if<DropRevision>(&action)) kept_.erase(drop->number);
      if (auto* reply = std::get_if<Reply>(&action)) replies_[reply->request] = *reply;
      if (auto* attempt = std::get_if<TryConfig>(&action)) tries_.push_back(*attempt);
    }
  }

  // Does what the shell does with what it was told to check or write.
  void RunTries() {
    while (!tries_.empty()) {
      const TryConfig attempt = tries_.front();
      tries_.erase(tries_.begin());
      ConfigTried tried{attempt.token, absl::OkStatus(), "", Read(attempt.content)};
      if (!tried.read.config) {
        tried.status = absl::InvalidArgumentError("errors");
        tried.reason = kConfigInvalid;
      } else if (attempt.write && Sha256(file_) != attempt.expected_digest) {
        tried.status = absl::AbortedError("moved");
        tried.reason = "CONFIG_MOVED";
      } else if (attempt.write && read_only_) {
        tried.status = absl::FailedPreconditionError("read-only");
        tried.reason = "CONFIG_READ_ONLY";
      } else if (attempt.write) {
        file_ = attempt.content;
      }
      Handle(tried);
    }
  }

  RequestId Send(AdminCall call) {
    const RequestId id = ++last_request_;
    AdminRequest request;
    request.request = id;
    request.call = std::move(call);
    request.clock = {now_, WallTime(now_.time_since_epoch())};
    request.caller = {Role::kAdmin, "admin/ann"};
    Handle(request);
    return id;
  }

  // The answer, or the reason of the failure.
  template <typename Answer>
  Answer Get(AdminCall call) {
    const RequestId id = Send(std::move(call));
    RunTries();
    const Reply& reply = replies_.at(id);
    reason_ = reply.failure ? reply.failure->reason : "";
    failure_ = reply.failure;
    return reply.failure ? Answer() : std::get<Answer>(reply.answer);
  }

  ApplyConfigResponse Apply(const std::string& content, uint64_t if_revision = 0) {
    ApplyConfigRequest call;
    call.set_content(content);
    call.set_if_revision(if_revision);
    return Get<ApplyConfigResponse>(call);
  }
  ApplyConfigResponse ApplyWithConfirm(const std::string& content, int64_t timeout_s,
                                       double ratio = 0) {
    ApplyConfigRequest call;
    call.set_content(content);
    call.mutable_confirm_timeout()->set_seconds(timeout_s);
    call.set_max_connect_failure_ratio(ratio);
    return Get<ApplyConfigResponse>(call);
  }
  admin::v1::Config Running() {
    admin::v1::GetConfigRequest call;
    call.set_name("configs/-");
    return Get<admin::v1::Config>(call);
  }
  void Pass(Duration time) {
    now_ += time;
    Handle(TimerFired{});
    RunTries();
  }

  Instant now_{seconds(1'000'000)};
  std::string file_;
  bool read_only_ = false;
  std::string state_;
  std::map<uint64_t, std::string> kept_;
  std::unique_ptr<ControlLoop> loop_;
  std::vector<TryConfig> tries_;
  std::map<RequestId, Reply> replies_;
  RequestId last_request_ = 0;
  int lives_ = 0;
  std::string reason_;
  std::optional<Failure> failure_;
};

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

TEST_F(ConfigChangeTest, ErrorsAreRefusedWithTheirPlace) {
  Apply("bad");
  ASSERT_EQ(reason_, "CONFIG_INVALID");
  EXPECT_EQ(failure_->metadata.at("first_line"), "7");
  EXPECT_EQ(failure_->metadata.at("first_file"), kPath);
  ASSERT_EQ(failure_->violations.size(), 1u);
  EXPECT_EQ(failure_->violations[0].description, "lb.yaml:7:3: LB0102: unknown key");
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

TEST_F(ConfigChangeTest, ABadEditIsMendedByAnApply) {
  file_ = "bad";
  Handle(Read(file_));
  EXPECT_EQ(Running().content(), "first");
  EXPECT_EQ(Apply("second").config().revision(), 2u);
  EXPECT_EQ(file_, "second");
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

TEST_F(ConfigChangeTest, FailingConnectsRollBackBeforeTheDeadline) {
  Handle(WorkerMessage{1, HelloOf("worker-1", "i", 42)});
  ApplyWithConfirm("second", 60, 0.5);
  WorkerMessage report;
  report.session = 1;
  auto& backend = *report.message.mutable_stats()->add_backends();
  backend.set_rule("second");
  backend.set_backend("a");
  backend.set_connects_total(40);
  (*backend.mutable_connect_failures_total())["refused"] = 19;
  Handle(report);
  Pass(seconds(1));
  EXPECT_EQ(file_, "second");
  (*backend.mutable_connect_failures_total())["refused"] = 21;
  Handle(report);
  Pass(seconds(1));
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
