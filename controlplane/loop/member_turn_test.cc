// What operators want of the cluster: where their orders go.
#include "controlplane/loop/member_turn.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "controlplane/loop/admin_turn.h"
#include "controlplane/loop/api_fixture.h"
#include "controlplane/membership/message_codec.h"

namespace lb::controlplane {
namespace {

using MemberCallTest = ApiFixture;

TEST_F(MemberCallTest, WithoutAClusterOrdersAreRefusedAndNobodyIsListed) {
  Load({"a"});
  admin::v1::JoinMembersRequest join;
  join.add_addresses("10.0.0.2:7946");
  EXPECT_EQ(ReasonOf(join), "CLUSTER_DISABLED");
  EXPECT_EQ(ReasonOf(Named<admin::v1::ForgetMemberRequest>("members/a")), "CLUSTER_DISABLED");
  EXPECT_EQ(ReasonOf(Named<admin::v1::GetMemberRequest>("members/a")), "MEMBER_NOT_FOUND");
  EXPECT_EQ(Ask<admin::v1::ListMembersResponse>(admin::v1::ListMembersRequest()).members_size(), 0);
}

// A host that is alone in its cluster: whoever asks it has its answer at once.
class ClusterCallTest : public ApiFixture {
 protected:
  static constexpr char kOld[] = "AAAAAAAAAAAAAAAA";
  static constexpr char kNew[] = "BBBBBBBBBBBBBBBBBBBBBBBB";

  void Configure(const std::string& key, bool serf = true) {
    Config config = Web({"a"});
    config.cluster.emplace();
    config.cluster->bind_addr = Endpoint::FromIp("10.0.0.1", 7946).value();
    config.cluster->keys = {key};
    config.cluster->serf_delegate = serf;
    Handle(ConfigRead{"lb.yaml", config, {}, 0});
  }

  void Begin(const std::string& key, bool serf = true) {
    Configure(key, serf);
    Handle(GossipIn{swim::GossipOpened{++opened_, absl::OkStatus(), kSelf, 7947}});
  }

  static admin::v1::ChangeKeyRequest Change(admin::v1::ChangeKeyRequest::Action action,
                                            const std::string& key) {
    admin::v1::ChangeKeyRequest request;
    request.set_action(action);
    request.set_key(absl::Base64Escape(key));
    return request;
  }

  // How many keys this host has, and whether they are those of an order.
  std::pair<int, bool> Keys() {
    const auto list = Ask<admin::v1::ListKeysResponse>(admin::v1::ListKeysRequest());
    return {list.members(0).keys_size(), list.keys_ordered()};
  }

  bool Left() {
    return Ask<admin::v1::Status>(admin::v1::GetStatusRequest()).cluster().stays_away();
  }

  // Other hosts that share limits.
  double HostsExpected() {
    for (const MetricFamily& family : loop_->Metrics({now_, {}}))
      if (family.name == "lb_usage_hosts") return family.samples.at(0).value;
    return -1;
  }

  const swim::Address kSelf{std::string("\x0a\0\0\1", 4), 7946};
  uint64_t opened_ = 0;
};

TEST_F(ClusterCallTest, AKeyThatWasOrderedOutlivesARestartAndNoEdit) {
  Begin(kOld);
  const auto add = Change(admin::v1::ChangeKeyRequest::ACTION_ADD, kNew);
  const auto answer = Ask<admin::v1::ChangeKeyResponse>(add);
  ASSERT_EQ(answer.members_size(), 1);
  EXPECT_EQ(answer.members(0).result(), admin::v1::MemberKeys::RESULT_DONE);
  EXPECT_EQ(answer.key().bytes(), 24u);
  // As the audit trail has it.
  EXPECT_EQ(replies_[0].after, replies_[0].before + " " + answer.key().fingerprint());
  EXPECT_EQ(Keys(), std::pair(2, true));
  ASSERT_EQ(Events("cluster.key").size(), 1u);
  EXPECT_EQ(Events("cluster.key")[0].attributes().at("key"), answer.key().fingerprint());
  EXPECT_EQ(Events("cluster.key")[0].DebugString().find(kNew), std::string::npos);

  now_ += std::chrono::seconds(1);
  Handle(TimerFired{});
  Restart();
  opened_ = 0;
  Begin(kOld);
  EXPECT_EQ(Keys(), std::pair(2, true));
  Begin(kNew);
  EXPECT_EQ(Keys(), std::pair(1, false));
  EXPECT_EQ(Events("cluster.keys_dropped").size(), 1u);
}

TEST_F(ClusterCallTest, ADryRunChangesNoKey) {
  Begin(kOld);
  auto add = Change(admin::v1::ChangeKeyRequest::ACTION_ADD, kNew);
  add.set_validate_only(true);
  EXPECT_EQ(Ask<admin::v1::ChangeKeyResponse>(add).members_size(), 1);
  EXPECT_EQ(Keys(), std::pair(1, false));
}

TEST_F(ClusterCallTest, WhoLeftByOrderIsAMemberAgainWhenItJoins) {
  Begin(kOld);
  EXPECT_FALSE(Left());
  admin::v1::LeaveClusterRequest leave;
  leave.set_validate_only(true);
  EXPECT_EQ(Ask<admin::v1::LeaveClusterResponse>(leave).name(), "members/node");
  EXPECT_FALSE(Left());
  leave.set_validate_only(false);
  Call(leave);
  EXPECT_TRUE(Left());
  EXPECT_EQ(ReasonOf(leave), "NO_MEMBER");
  EXPECT_EQ(ReasonOf(Change(admin::v1::ChangeKeyRequest::ACTION_ADD, kNew)), "NO_MEMBER");
  EXPECT_EQ(Keys(), std::pair(1, false)) << "its own are told";
  admin::v1::JoinMembersRequest join;
  join.add_addresses("10.0.0.2:7946");
  Call(join);
  EXPECT_FALSE(Left());
}

TEST_F(ClusterCallTest, BeforeItIsAMemberNoKeyIsChanged) {
  Configure(kOld);
  EXPECT_EQ(ReasonOf(Change(admin::v1::ChangeKeyRequest::ACTION_ADD, kNew)), "NO_MEMBER");
  EXPECT_EQ(Keys(), std::pair(1, false)) << "its own are told";
}

TEST_F(ClusterCallTest, WhileItGoesToBecomeAnotherKindOfMemberNobodyIsAskedForKeys) {
  Begin(kOld, false);
  const swim::Address other{std::string("\x0a\0\0\2", 4), 7946};
  Handle(GossipIn{
      swim::PacketIn{other, {swim::Encode(swim::Alive{1, "other", other, "", swim::Versions{}})}}});
  Configure(kOld, true);
  EXPECT_EQ(Keys(), std::pair(1, false)) << "its own are told";
  EXPECT_EQ(ReasonOf(Change(admin::v1::ChangeKeyRequest::ACTION_ADD, kNew)), "KEYS_BY_FILE");
}

TEST_F(ClusterCallTest, AMemberThatIsTakenForGoneAndIsBackInOneTurnSharesLimits) {
  Begin(kOld);
  swim::Versions serf;
  serf.delegate_min = 2;
  serf.delegate_max = serf.delegate = 5;
  const swim::Address other{std::string("\x0a\0\0\2", 4), 7946};
  const std::string tags = "\xff\x82\xa4life\xa1\x31\xa5usage\xa4\x37\x39\x34\x37";
  const auto alive = [&](uint32_t incarnation) {
    return swim::Encode(swim::Alive{incarnation, "other", other, tags, serf});
  };
  Handle(GossipIn{swim::PacketIn{other, {alive(1)}}});
  EXPECT_EQ(HostsExpected(), 1);
  Handle(
      GossipIn{swim::PacketIn{other, {swim::Encode(swim::Dead{1, "other", "other"}), alive(2)}}});
  EXPECT_EQ(HostsExpected(), 1);
}

TEST_F(ClusterCallTest, AnOrderThatWaitsIsAnsweredWhenTheClusterIsSwitchedOff) {
  Configure(kOld);
  swim::Versions serf;
  serf.delegate_min = 2;
  serf.delegate_max = serf.delegate = 5;
  Handle(GossipIn{swim::GossipOpened{++opened_, absl::OkStatus(), kSelf, 7947}});
  const swim::Address other{std::string("\x0a\0\0\2", 4), 7946};
  Handle(GossipIn{swim::PacketIn{other, {swim::Encode(swim::Alive{1, "other", other, "", serf})}}});
  Call(Change(admin::v1::ChangeKeyRequest::ACTION_ADD, kNew));
  EXPECT_TRUE(replies_.empty()) << "the other one did not answer yet";
  Load({"a"});
  ASSERT_EQ(replies_.size(), 1u);
  EXPECT_EQ(std::get<admin::v1::ChangeKeyResponse>(replies_[0].answer).members_size(), 2);
  now_ += std::chrono::seconds(2);
  Handle(TimerFired{});
}

class MemberTurnTest : public testing::Test {
 protected:
  MemberTurnTest() {
    parts_.tickets.emplace("", Instant());
    parts_.cluster_status.enabled = true;
    parts_.cluster_status.members = {{.name = "gone/1",
                                      .address = Endpoint::FromIp("10.0.0.2", 7946).value(),
                                      .state = swim::State::kLeft,
                                      .incarnation = 1,
                                      .changed_at = {},
                                      .version = ""}};
    forget_.set_name("members/gone%2F1");
    join_.add_addresses("10.0.0.3:7946");
  }

  View view() const { return ViewOf(parts_, {}); }

  Parts parts_{Resolver({}), ServiceBook({}), HealthBook(1), Versions(type::v1::ConfigVersion()),
               "life"};
  admin::v1::ForgetMemberRequest forget_;
  admin::v1::JoinMembersRequest join_;
};

TEST_F(MemberTurnTest, OrdersAreLeftForTheClusterAndAnsweredAtOnce) {
  EXPECT_EQ(std::get<0>(JoinMembers(view(), join_, parts_)).addresses(0), "10.0.0.3:7946");
  EXPECT_EQ(std::get<0>(ForgetMember(view(), forget_, parts_)).state(),
            admin::v1::Member::STATE_LEFT);
  ASSERT_EQ(parts_.member_orders.join.size(), 1u);
  EXPECT_EQ(parts_.member_orders.join[0].ToString(), "10.0.0.3:7946");
  EXPECT_EQ(parts_.member_orders.forget, std::vector<std::string>{"gone/1"});
}

TEST_F(MemberTurnTest, ADryRunLeavesNothing) {
  join_.set_validate_only(true);
  forget_.set_validate_only(true);
  EXPECT_EQ(std::get<0>(JoinMembers(view(), join_, parts_)).addresses_size(), 1);
  EXPECT_EQ(std::get<0>(ForgetMember(view(), forget_, parts_)).name(), "members/gone%2F1");
  EXPECT_TRUE(parts_.member_orders.join.empty());
  EXPECT_TRUE(parts_.member_orders.forget.empty());
}

}  // namespace
}  // namespace lb::controlplane
