// What is told of the cluster: lists, alerts and metrics; and which orders are taken.
#include "controlplane/admin/member_answers.h"

#include <gmock/gmock.h>

#include <chrono>
#include <string>
#include <vector>

#include "controlplane/admin/answers_fixture.h"
#include "controlplane/admin/cluster_metrics.h"
#include "controlplane/admin/status_answer.h"

namespace lb::controlplane {
namespace {

using admin::v1::Member;
using std::chrono::minutes;

class MemberAnswersTest : public AnswersTest {
 protected:
  MemberAnswersTest() {
    cluster_.enabled = true;
    cluster_.name = "lb-1";
    cluster_.address = Endpoint::FromIp("10.0.0.1", 7946).value();
    cluster_.keys = {{"1f2e3d4c", 32}};
    Add("lb-1", swim::State::kAlive);
    Add("lb-2", swim::State::kDead);
    Add("lb-3", swim::State::kSuspect);
  }

  void Add(const std::string& name, swim::State state) {
    const auto last = std::to_string(cluster_.members.size() + 1);
    cluster_.members.push_back({.name = name,
                                .address = Endpoint::FromIp("10.0.0." + last, 7946).value(),
                                .state = state,
                                .incarnation = 7,
                                .changed_at = kNow - minutes(3),
                                .version = "1.4.0"});
  }

  admin::v1::ListMembersResponse List(const admin::v1::ListMembersRequest& request) {
    return std::get<0>(ListMembers(view(), request));
  }

  std::string ReasonToForget(const std::string& name) {
    admin::v1::ForgetMemberRequest request;
    request.set_name(name);
    const auto outcome = ReadForget(cluster_, request);
    const auto* failure = std::get_if<Failure>(&outcome);
    return failure == nullptr ? "" : failure->reason;
  }

  // Where a join of that text goes, or why it goes nowhere.
  std::string Join(const std::string& text) {
    admin::v1::JoinMembersRequest request;
    request.add_addresses(text);
    const auto outcome = ReadJoin(cluster_, request);
    if (const auto* failure = std::get_if<Failure>(&outcome)) return failure->reason;
    return std::get<0>(outcome).at(0).ToString();
  }

  // The value of the sample with that first label, or -1.
  double MetricOf(const std::string& name, const std::string& label = "") {
    std::vector<MetricFamily> families;
    AddClusterMetrics(view(), families);
    for (const MetricFamily& family : families)
      for (const MetricSample& sample : family.samples)
        if (family.name == name && (label.empty() || sample.labels.at(0).second == label))
          return sample.value;
    return -1;
  }

  std::vector<std::string> Alerts() {
    std::vector<std::string> texts;
    for (const admin::v1::Alert& alert : ClusterAlerts(view()))
      texts.push_back(alert.resource() + ": " + alert.message());
    return texts;
  }
};

TEST_F(MemberAnswersTest, WhoHasAnotherKeyIsNamed) {
  cluster_.strangers.rows = {{"10.0.0.9", "seals with another key", 37}};
  EXPECT_THAT(Alerts(), testing::Contains("cluster/strangers/10.0.0.9: 10.0.0.9 seals with another "
                                          "key (37 packets in the last minute)"));
  for (int i = 0; i < 10; ++i) cluster_.strangers.rows.push_back({"10.0.1.1", "x", 2});
  EXPECT_THAT(Alerts(), testing::Contains("cluster/strangers/others: other addresses have another "
                                          "key or label, too (6 packets in the last minute)"));
}

TEST_F(MemberAnswersTest, LimitsThatAreReducedAreAnAlert) {
  channel_.SetSelf(HostChannel::Self{"lb-1", 1, "", {}});
  usage_.Begin(kNow);
  usage_.SetSeeds(2);
  EXPECT_THAT(Alerts(),
              testing::Contains("cluster/limits: 1 of 3 hosts heard: shared limits at 33 %"));
  usage_.SetSeeds(0);
  EXPECT_THAT(Alerts(), testing::Not(testing::Contains(testing::HasSubstr("shared limits"))));
}

TEST_F(MemberAnswersTest, AMemberIsShownAsThisOneSeesIt) {
  admin::v1::GetMemberRequest request;
  request.set_name("members/lb-2");
  const Member member = std::get<Member>(GetMember(view(), request));
  EXPECT_EQ(member.name(), "members/lb-2");
  EXPECT_EQ(member.address(), "10.0.0.2:7946");
  EXPECT_EQ(member.state(), Member::STATE_FAILED);
  EXPECT_EQ(member.incarnation(), 7u);
  EXPECT_EQ(member.state_change_time().seconds(), 1'000 - 180);
  EXPECT_EQ(member.version(), "1.4.0");
  EXPECT_FALSE(member.self());
  EXPECT_TRUE(List({}).members(0).self());
  request.set_name("members/lb-22");
  const auto missing = GetMember(view(), request);
  EXPECT_EQ(std::get<Failure>(missing).reason, "MEMBER_NOT_FOUND");
  EXPECT_NE(std::get<Failure>(missing).status.message().find("did you mean 'members/lb-2'?"),
            std::string::npos);
}

TEST_F(MemberAnswersTest, AListHasPagesAFilterAndAnOrder) {
  admin::v1::ListMembersRequest request;
  request.set_page_size(2);
  const auto first = List(request);
  ASSERT_EQ(first.members_size(), 2);
  request.set_page_token(first.next_page_token());
  const auto second = List(request);
  ASSERT_EQ(second.members_size(), 1);
  EXPECT_EQ(second.members(0).name(), "members/lb-3");
  EXPECT_EQ(second.next_page_token(), "");
  request = {};
  request.set_filter("state = FAILED");
  EXPECT_EQ(List(request).members(0).name(), "members/lb-2");
  request = {};
  request.set_order_by("name desc");
  EXPECT_EQ(List(request).members(0).name(), "members/lb-3");
}

TEST_F(MemberAnswersTest, ANameOfAnyBytesIsAName) {
  cluster_.members.clear();
  const std::string odd("a/b%\xff\n\xc3\xa9", 8);
  Add(odd, swim::State::kLeft);
  const std::string name = List({}).members(0).name();
  EXPECT_EQ(name, "members/a%2Fb%25%FF%0A\xc3\xa9");
  admin::v1::ForgetMemberRequest request;
  request.set_name(name);
  EXPECT_EQ(std::get<swim::MemberStatus>(ReadForget(cluster_, request)).name, odd);
  cluster_.members[0].version = "\xff";
  EXPECT_EQ(List({}).members(0).version(), "\xef\xbf\xbd");
}

TEST_F(MemberAnswersTest, OnlyOneThatIsGoneIsForgotten) {
  EXPECT_EQ(ReasonToForget("members/lb-2"), "");
  EXPECT_EQ(ReasonToForget("members/lb-1"), "MEMBER_ALIVE");
  EXPECT_EQ(ReasonToForget("members/lb-3"), "MEMBER_ALIVE");
  EXPECT_EQ(ReasonToForget("members/lb-4"), "MEMBER_NOT_FOUND");
}

TEST_F(MemberAnswersTest, AJoinGoesToAddressesWithOurPortWhereTheySayNone) {
  EXPECT_EQ(Join("10.0.0.9:80"), "10.0.0.9:80");
  EXPECT_EQ(Join("10.0.0.9"), "10.0.0.9:7946");
  EXPECT_EQ(Join("fd00::9"), "[fd00::9]:7946");
  EXPECT_EQ(Join("peers.internal:7946"), "FIELD_INVALID");
  EXPECT_EQ(Join("unix:/run/x"), "FIELD_INVALID");
  EXPECT_EQ(Join("10.0.0.9:0"), "FIELD_INVALID");
  admin::v1::JoinMembersRequest request;
  EXPECT_TRUE(std::holds_alternative<Failure>(ReadJoin(cluster_, request)));
  for (int i = 0; i <= kMaxJoinAddresses; ++i) request.add_addresses("10.0.0.9");
  EXPECT_TRUE(std::holds_alternative<Failure>(ReadJoin(cluster_, request)));
}

TEST_F(MemberAnswersTest, WithoutAClusterNothingIsListedOrTaken) {
  cluster_ = {};
  EXPECT_EQ(List({}).members_size(), 0);
  EXPECT_EQ(ReasonToForget("members/lb-2"), "CLUSTER_DISABLED");
  EXPECT_EQ(Join("10.0.0.9"), "CLUSTER_DISABLED");
  EXPECT_TRUE(Alerts().empty());
  EXPECT_FALSE(DescribeStatus(view()).has_cluster());
  std::vector<MetricFamily> families;
  AddClusterMetrics(view(), families);
  EXPECT_TRUE(families.empty());
}

TEST_F(MemberAnswersTest, WhatAnOperatorShouldLookAtIsAnAlert) {
  const std::string failed =
      "members/lb-2: failed 3m ago at 10.0.0.2:7946; if it is gone for good, forget it on every "
      "host: lbctl member forget lb-2";
  EXPECT_EQ(Alerts(), std::vector<std::string>{failed});
  for (swim::MemberStatus& member : cluster_.members)
    if (member.name == "lb-2") member.name = "$(reboot)";
  EXPECT_NE(Alerts()[0].find("lbctl member forget NAME"), std::string::npos) << Alerts()[0];
  for (swim::MemberStatus& member : cluster_.members)
    if (member.name == "$(reboot)") member.name = "lb-2";
  cluster_.open = true;
  cluster_.keys.clear();
  cluster_.problem = "10.0.0.1:7946: Address already in use";
  cluster_.seeds_missing = {"a:1", "b:1", "c:1", "d:1"};
  EXPECT_EQ(
      Alerts(),
      (std::vector<std::string>{
          "cluster: this host is no member: 10.0.0.1:7946: Address already in use",
          "cluster: no key: whoever reaches 10.0.0.1:7946 hears what members say, and is "
          "believed",
          "cluster: configured peers that are no members: a:1, b:1, c:1 and 1 more", failed}));
}

TEST_F(MemberAnswersTest, TheStatusCountsMembersAndHasTheAlerts) {
  const admin::v1::Status status = DescribeStatus(view());
  EXPECT_EQ(status.cluster().name(), "lb-1");
  EXPECT_EQ(status.cluster().address(), "10.0.0.1:7946");
  EXPECT_EQ(status.cluster().keys(), 1u);
  EXPECT_EQ(status.cluster().members_alive(), 1u);
  EXPECT_EQ(status.cluster().members_suspect(), 1u);
  EXPECT_EQ(status.cluster().members_failed(), 1u);
  int found = 0;
  for (const admin::v1::Alert& alert : status.alerts()) found += alert.resource() == "members/lb-2";
  EXPECT_EQ(found, 1);
}

TEST_F(MemberAnswersTest, MetricsCountMembersAndWhatIsDropped) {
  cluster_.counters.probes_failed = 5;
  cluster_.counters.packets_in = 9;
  cluster_.bad_packets.resize(swim::kWireErrors);
  cluster_.bad_packets[static_cast<size_t>(swim::WireError::kKey)] = 4;
  cluster_.counters.bad_messages[static_cast<size_t>(swim::WireError::kType)] = 2;
  cluster_.open = true;
  cluster_.awareness = 3;
  EXPECT_EQ(MetricOf("lb_members", "alive"), 1);
  EXPECT_EQ(MetricOf("lb_members", "failed"), 1);
  EXPECT_EQ(MetricOf("lb_members", "left"), 0);
  EXPECT_EQ(MetricOf("lb_member_up", "lb-2"), 0);
  EXPECT_EQ(MetricOf("lb_member_up", "lb-3"), 1);
  EXPECT_EQ(MetricOf("lb_cluster_open"), 1);
  EXPECT_EQ(MetricOf("lb_cluster_awareness"), 3);
  EXPECT_EQ(MetricOf("lb_cluster_probe_failures_total"), 5);
  EXPECT_EQ(MetricOf("lb_cluster_packets_total", "in"), 9);
  EXPECT_EQ(MetricOf("lb_cluster_bad_packets_total", "bad_key"), 4);
  EXPECT_EQ(MetricOf("lb_cluster_bad_packets_total", "plaintext"), 0);
  EXPECT_EQ(MetricOf("lb_cluster_bad_messages_total", "unknown_type"), 2);
}

TEST_F(MemberAnswersTest, SeriesAreBoundedAndThoseThatFailedComeFirst) {
  for (size_t i = 0; i < kMaxMemberSeries; ++i)
    cluster_.members.push_back({.name = "m" + std::to_string(10'000 + i),
                                .address = cluster_.address,
                                .state = swim::State::kAlive,
                                .incarnation = 1,
                                .changed_at = kNow,
                                .version = ""});
  cluster_.members.back().state = swim::State::kDead;
  EXPECT_EQ(MetricOf("lb_member_up", cluster_.members.back().name), 0);
  EXPECT_EQ(MetricOf("lb_member_up", "lb-2"), 0);
  EXPECT_EQ(MetricOf("lb_member_up", "m10998"), -1);
}

}  // namespace
}  // namespace lb::controlplane
