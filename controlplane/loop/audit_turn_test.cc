// What the audit trail is told of changes: from the state, whatever callers say.
#include <utility>

#include "base/sha256.h"
#include "controlplane/loop/api_fixture.h"

namespace lb::controlplane {
namespace {

using BeforeAndAfter = std::pair<std::string, std::string>;

class AuditTurnTest : public ApiFixture {
 protected:
  AuditTurnTest() {
    Load({"a", "b"});
    Connect(1, "w", {"connections", "cancel_kill", "log_level"});
  }

  template <typename Request>
  BeforeAndAfter Of(const Request& request) {
    Call(request);
    return LastReply();
  }

  static ConfigRead ReadOf(const std::string& content) {
    ConfigRead read{"lb.yaml", Web({"a", "b"}), {}, 0};
    read.config->rules[0].name = content;
    read.content = content;
    read.digest = Sha256(content);
    return read;
  }

  static void Collect(const std::vector<Action>& actions, std::vector<TryConfig>& tries) {
    for (const Action& action : actions)
      if (const auto* attempt = std::get_if<TryConfig>(&action)) tries.push_back(*attempt);
  }

  BeforeAndAfter LastReply() {
    if (replies_.size() != 1) return {"no reply", ""};
    return {replies_[0].before, replies_[0].after};
  }
};

TEST_F(AuditTurnTest, ABackendsStateAndWeight) {
  auto weight = Named<admin::v1::SetBackendWeightRequest>(kA);
  weight.set_weight(3);
  EXPECT_EQ(Of(weight), BeforeAndAfter("state=READY weight=10", "state=READY weight=3"));
  EXPECT_EQ(Of(Named<admin::v1::DrainBackendRequest>(kA)),
            BeforeAndAfter("state=READY weight=3", "state=DRAIN weight=3"));
  auto reset = Named<admin::v1::ResetBackendRequest>(kA);
  reset.set_validate_only(true);
  EXPECT_EQ(Of(reset), BeforeAndAfter("state=DRAIN weight=3", "state=DRAIN weight=3"));
  reset.set_validate_only(false);
  EXPECT_EQ(Of(reset), BeforeAndAfter("state=DRAIN weight=3", "state=READY weight=10"));
}

TEST_F(AuditTurnTest, ARefusedChangeLeavesAllAsItWas) {
  auto weight = Named<admin::v1::SetBackendWeightRequest>(kA);
  weight.set_weight(99'999'999);
  EXPECT_EQ(Of(weight), BeforeAndAfter("state=READY weight=10", "state=READY weight=10"));
  EXPECT_EQ(Of(Named<admin::v1::DrainBackendRequest>("rules/x/backends/y")),
            BeforeAndAfter("", ""));
}

TEST_F(AuditTurnTest, AWorkerAndAnOperation) {
  auto drain = Named<admin::v1::DrainWorkerRequest>("workers/w");
  drain.set_force(true);
  EXPECT_EQ(Of(drain), BeforeAndAfter("accepting", "draining"));
  const std::string operation = std::get<admin::v1::Operation>(replies_[0].answer).name();
  EXPECT_EQ(Of(Named<admin::v1::CancelOperationRequest>(operation)),
            BeforeAndAfter("RUNNING", "CANCELLED"));
}

TEST_F(AuditTurnTest, ACancelledDrainTellsOfItsBackend) {
  auto weight = Named<admin::v1::SetBackendWeightRequest>(kA);
  weight.set_weight(3);
  Call(weight);
  const auto drain = Ask<admin::v1::Operation>(Named<admin::v1::DrainBackendRequest>(kA));
  EXPECT_EQ(Of(Named<admin::v1::CancelOperationRequest>(drain.name())),
            BeforeAndAfter("RUNNING state=DRAIN weight=3 of rules/web/backends/a",
                           "CANCELLED state=READY weight=3 of rules/web/backends/a"));
}

TEST_F(AuditTurnTest, ALogLevel) {
  admin::v1::SetLogLevelRequest level;
  level.set_component("controlplane");
  level.set_level(type::v1::LOG_LEVEL_ERROR);
  EXPECT_EQ(Of(level), BeforeAndAfter("as started", "ERROR"));
  level.set_level(type::v1::LOG_LEVEL_UNSPECIFIED);
  EXPECT_EQ(Of(level), BeforeAndAfter("ERROR", "as started"));
  level.set_component("workers/-");
  level.set_level(type::v1::LOG_LEVEL_DEBUG);
  EXPECT_EQ(Of(level), BeforeAndAfter("workers/w=as started", "workers/w=DEBUG"));
}

// Goal: two changes of the configuration that wait for each other each tell what they found.
// Method: both are asked for before the first is written.
TEST_F(AuditTurnTest, RevisionsOfTheConfiguration) {
  Handle(ReadOf("file"));
  admin::v1::ApplyConfigRequest apply;
  std::vector<TryConfig> tries;
  const auto call = [&](const std::string& content) {
    apply.set_content(content);
    std::vector<Action> actions;
    loop_->Handle(AdminRequest{next_++, apply, {now_, {}}, {Role::kAdmin, "alice"}}, now_, actions);
    Collect(actions, tries);
  };
  call("one");
  call("two");
  std::vector<BeforeAndAfter> seen;
  while (!tries.empty()) {
    const TryConfig attempt = tries.front();
    tries.erase(tries.begin());
    std::vector<Action> actions;
    ConfigTried tried{attempt.token, absl::OkStatus(), "", ReadOf(attempt.content)};
    loop_->Handle(tried, now_, actions);
    for (const Action& action : actions)
      if (const auto* reply = std::get_if<Reply>(&action))
        seen.emplace_back(reply->before, reply->after);
    Collect(actions, tries);
  }
  EXPECT_EQ(seen,
            (std::vector<BeforeAndAfter>{{"configs/2", "configs/3"}, {"configs/3", "configs/4"}}));
}

}  // namespace
}  // namespace lb::controlplane
