// How the hosts of a cluster share a client's rate limit, as answers and metrics say it.
#include "controlplane/admin/shared_rate.h"

#include "controlplane/admin/answers_fixture.h"
#include "controlplane/admin/metrics.h"
#include "controlplane/admin/proto_time.h"

namespace lb::controlplane {
namespace {

using admin::v1::SharedRate;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kClient[] = "10.1.2.3";

class SharedRateTest : public AnswersTest {
 protected:
  SharedRateTest() {
    limit_.requests_per_second = 100;
    limit_.burst = 50;
    prefix_ = *ClientPrefixOf(kClient, limit_);
    cluster_.enabled = true;
    Begin(rates_, channel_, usage_, "a", {{"b", {}, 7}, {"c", {}, 7}});
    Begin(b_rates_, b_channel_, b_usage_, "b", {{"a", {}, 7}});
  }
  void Begin(RateLedger& rates, HostChannel& channel, UsageExchange& usage, const std::string& name,
             std::vector<HostChannel::Host> others) {
    rates.SetLimits({{"web", {100, 50}}}, Now());
    rates.Connect({"w", "1"}, true, Now());
    rates.Settle(Now());
    channel.SetSelf(HostChannel::Self{name, 7, "", {std::string(32, 'k')}});
    usage.Begin(Now());
    channel.SetHosts(std::move(others));
    usage.NoteHosts();
  }
  Instant Now() const { return kNow - ago_; }

  void Arrive(RateLedger& rates, uint64_t total) {
    worker::v1::RateReport report;
    worker::v1::RateReport::Limit& limit = *report.add_limits();
    limit.set_rule("web");
    worker::v1::RateReport::Client& client = *limit.add_clients();
    client.set_prefix(prefix_);
    client.set_arrivals(total);
    client.set_admitted(total / 2);
    rates.Report({"w", "1"}, report, Now());
    rates.Settle(Now());
  }
  // Both hosts are asked for 200/s until `end`; what b says comes to a.
  void RunUntil(Duration end) {
    for (uint64_t total = 10; ago_ > end; total += 10, ago_ -= milliseconds(50)) {
      Arrive(rates_, total);
      Arrive(b_rates_, total);
      std::vector<HostChannel::Datagram> sent;
      usage_.Step(rates_, Now(), sent);
      sent.clear();
      b_usage_.Step(b_rates_, Now(), sent);
      for (const HostChannel::Datagram& datagram : sent)
        if (const auto word = channel_.Open(datagram.bytes)) usage_.Receive(*word, rates_, Now());
    }
    rates_.Settle(Now());
  }
  SharedRate Shared(const LocalRate& local = {}) const {
    return SharedRateOf("web", prefix_, limit_, local, view()).value();
  }

  Duration ago_ = seconds(6);
  RateLimitConfig limit_;
  uint64_t prefix_ = 0;
  RateLedger b_rates_;
  HostChannel b_channel_;
  UsageExchange b_usage_{b_channel_};
};

TEST_F(SharedRateTest, WhereNobodySharesThereIsNothing) {
  channel_.SetSelf(std::nullopt);
  usage_.Begin(kNow);
  EXPECT_FALSE(SharedRateOf("web", prefix_, limit_, {}, view()).has_value());
}

TEST_F(SharedRateTest, ClientsAreThePrefixesThatWorkersReport) {
  EXPECT_EQ(*ClientPrefixOf("10.1.2.3", limit_), 0xffff'0a01'0203u);
  EXPECT_EQ(*ClientPrefixOf("::ffff:10.1.2.3", limit_), 0xffff'0a01'0203u);
  EXPECT_EQ(*ClientPrefixOf("fd00:1:2:3::9", limit_), 0xfd00'0001'0002'0003u);
  limit_.ipv4_prefix = 16;
  limit_.ipv6_prefix = 32;
  EXPECT_EQ(*ClientPrefixOf("10.1.2.3", limit_), 0xffff'0a01'0000u);
  EXPECT_EQ(*ClientPrefixOf("10.1.0.0/16", limit_), 0xffff'0a01'0000u);
  EXPECT_EQ(*ClientPrefixOf("fd00:1:2:3::/64", limit_), 0xfd00'0001'0000'0000u);
  EXPECT_FALSE(ClientPrefixOf("CN=somebody", limit_).has_value());
}

TEST_F(SharedRateTest, AQuietClientHasAPartOnEachHost) {
  const SharedRate shared = Shared({.connects_per_s = 3, .refused_per_s = 1});
  EXPECT_EQ(shared.basis(), SharedRate::BASIS_QUIET);
  EXPECT_EQ(shared.demand_per_s(), 3);
  EXPECT_EQ(shared.admitted_per_s(), 2);
  EXPECT_EQ(shared.hosts_expected(), 3u);
  EXPECT_EQ(shared.hosts_heard(), 1u);
  ASSERT_EQ(shared.hosts_size(), 2);
  EXPECT_EQ(shared.hosts(0).member(), "members/b");
  EXPECT_FALSE(shared.hosts(0).has_age()) << "it was never heard";
  EXPECT_FALSE(shared.has_age());
}

TEST_F(SharedRateTest, ABusyClientHasItsPartByDemand) {
  RunUntil(seconds(0));
  const SharedRate shared = Shared();
  EXPECT_EQ(shared.basis(), SharedRate::BASIS_DEMAND);
  EXPECT_NEAR(shared.demand_per_s(), 200, 20);
  EXPECT_NEAR(shared.admitted_per_s(), 100, 10);
  EXPECT_NEAR(shared.cluster_demand_per_s(), 400, 40);
  EXPECT_NEAR(shared.cluster_admitted_per_s(), 200, 40);
  EXPECT_NEAR(shared.hosts(0).demand_per_s(), 200, 20);
  EXPECT_LT(FromProto(shared.hosts(0).age()), milliseconds(300));
  EXPECT_LT(shared.tokens(), 0) << "twice the limit was admitted";
  EXPECT_LT(shared.share_per_s(), 50) << "and is made up for";
  EXPECT_EQ(shared.hosts_heard(), 2u);
  EXPECT_EQ(shared.side_ratio(), 1) << "two of three";
}

TEST_F(SharedRateTest, TheAgeOfAHostThatIsSilentGrows) {
  RunUntil(seconds(4));
  const SharedRate shared = Shared();
  EXPECT_GT(FromProto(shared.age()), seconds(4));
  EXPECT_FALSE(shared.hosts(0).heard());
  EXPECT_EQ(shared.hosts_heard(), 1u);
  EXPECT_NEAR(shared.side_ratio(), 1.0 / 3, 1e-6) << "one of three";
}

TEST_F(SharedRateTest, MetricsHaveTheAgeOfEachHost) {
  RunUntil(seconds(2));
  std::map<std::string, double> ages;
  std::map<std::string, double> values;
  for (const MetricFamily& family : DescribeMetrics(view())) {
    for (const auto& sample : family.samples) {
      if (family.name == "lb_usage_host_age_seconds") ages[sample.labels[0].second] = sample.value;
      if (sample.labels.empty()) values[family.name] = sample.value;
    }
  }
  EXPECT_NEAR(ages.at("b"), 2.1, 0.2);
  EXPECT_EQ(ages.at("c"), -1);
  EXPECT_EQ(values.at("lb_usage_clients"), 1);
  EXPECT_EQ(values.at("lb_usage_clients_left_out"), 0);
  EXPECT_EQ(values.at("lb_usage_watermark_ratio"), 0);
  EXPECT_GT(values.at("lb_usage_limit_ratio"), 0);
}

}  // namespace
}  // namespace lb::controlplane
