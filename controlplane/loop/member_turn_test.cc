// What operators want of the cluster: where their orders go.
#include "controlplane/loop/member_turn.h"

#include <string>
#include <vector>

#include "controlplane/loop/admin_turn.h"
#include "controlplane/loop/api_fixture.h"

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

  Parts parts_{Resolver({}), HealthBook(1), Versions(type::v1::ConfigVersion()), "life"};
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
