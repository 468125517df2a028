// Rules, backends and workers streamed to those who watch them.
#include <algorithm>

#include "controlplane/loop/api_fixture.h"

namespace lb::controlplane {
namespace {

using admin::v1::ResourceChange;
using admin::v1::WatchResourcesRequest;

class ResourceWatchTest : public ApiFixture {
 protected:
  void Watch(const std::string& token = "") {
    watch_.set_resume_token(token);
    Call(watch_);
  }
  void Cut() { Handle(AdminCallEnded{next_ - 1}); }

  // Lets the next look come; what was sent since the last call, "ADDED rules/web".
  std::vector<std::string> Next() {
    now_ += std::chrono::seconds(1);
    Handle(TimerFired{});
    std::vector<std::string> out;
    for (StreamItem& item : items_) {
      const auto& change = dynamic_cast<const ResourceChange&>(*item.answer);
      std::string kind = ResourceChange::Kind_Name(change.kind()).substr(sizeof "KIND_" - 1);
      out.push_back(change.name().empty() ? kind : kind + " " + change.name());
      token_ = change.resume_token();
      last_ = change;
    }
    items_.clear();
    return out;
  }

  WatchResourcesRequest watch_;
  std::string token_;
  ResourceChange last_;
};

using Words = std::vector<std::string>;

TEST_F(ResourceWatchTest, FirstThePresentStateThenEachChange) {
  Load({"a", "b"});
  Connect(1, "w");
  Watch();
  const Words first = Next();
  EXPECT_EQ(first, (Words{"ADDED rules/web", "ADDED rules/web/backends/a",
                          "ADDED rules/web/backends/b", "ADDED workers/w", "SYNCED"}));
  EXPECT_EQ(Next(), Words{});
  Load({"a"});
  const Words then = Next();
  EXPECT_NE(std::find(then.begin(), then.end(), "DELETED rules/web/backends/b"), then.end());
  EXPECT_NE(std::find(then.begin(), then.end(), "MODIFIED rules/web"), then.end());
}

TEST_F(ResourceWatchTest, AChangeCarriesTheResourceAndCountersAloneAreNone) {
  Load({"a", "b"});
  Connect(1, "w");
  watch_.add_types(admin::v1::RESOURCE_TYPE_BACKEND);
  Watch();
  Next();
  worker::v1::ConnectRequest report;
  worker::v1::StatsReport::Backend& counted = *report.mutable_stats()->add_backends();
  counted.set_rule("web");
  counted.set_backend("a");
  counted.set_connections(5);
  Handle(WorkerMessage{1, report});
  EXPECT_EQ(Next(), Words{});
  Ask<admin::v1::Operation>(Named<admin::v1::DrainBackendRequest>(kA));
  EXPECT_EQ(Next(), Words{"MODIFIED rules/web/backends/a"});
  EXPECT_EQ(last_.backend().admin_state(), type::v1::ADMIN_STATE_DRAIN);
  EXPECT_EQ(last_.backend().connections(), 5u);
}

TEST_F(ResourceWatchTest, AfterACutOnlyWhatChangedFollows) {
  Load({"a", "b"});
  watch_.add_types(admin::v1::RESOURCE_TYPE_BACKEND);
  Watch();
  Next();
  Cut();
  EXPECT_GT(loop_->NextDeadline(), now_ + std::chrono::seconds(60));  // Nothing is looked at.
  Ask<admin::v1::Operation>(Named<admin::v1::DrainBackendRequest>(kA));
  Watch(token_);
  EXPECT_EQ(Next(), (Words{"MODIFIED rules/web/backends/a", "SYNCED"}));
  Cut();
  Watch(token_);
  EXPECT_EQ(Next(), Words{"SYNCED"});
}

TEST_F(ResourceWatchTest, TokensOfOtherWatchesAndTypesThatAreNoneAreRefused) {
  Load({"a"});
  Watch();
  Next();
  watch_.add_types(admin::v1::RESOURCE_TYPE_RULE);
  watch_.set_resume_token(token_);
  EXPECT_EQ(ReasonOf(watch_), "RESUME_TOKEN_INVALID");
  watch_.set_resume_token("other" + token_);
  watch_.clear_types();
  EXPECT_EQ(ReasonOf(watch_), "RESUME_TOKEN_TOO_OLD");
  watch_.add_types(admin::v1::RESOURCE_TYPE_UNSPECIFIED);
  EXPECT_EQ(ReasonOf(watch_), "FIELD_INVALID");
}

TEST_F(ResourceWatchTest, WatchesAreBounded) {
  std::string reason;
  for (int i = 0; i < 100 && reason.empty(); ++i) reason = ReasonOf(watch_);
  EXPECT_EQ(reason, "TOO_MANY_WATCHES");
}

}  // namespace
}  // namespace lb::controlplane
