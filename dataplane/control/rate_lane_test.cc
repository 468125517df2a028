#include "dataplane/control/rate_lane.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <vector>

#include "base/endpoint.h"

namespace lb::dataplane {
namespace {

using lb::worker::v1::ConnectRequest;
using lb::worker::v1::RateGrant;
using lb::worker::v1::RateReport;
using std::chrono::seconds;

SocketAddress Client() { return Endpoint::FromIp("10.0.0.1", 40'000).value().ToSocketAddress(); }

class RateLaneTest : public testing::Test {
 protected:
  RateLaneTest() {
    ClientLimits::ByRule wanted;
    connections_ = client_limits_.FindOrMake("web", 10, wanted);
    client_limits_.Commit(wanted);
    RateGrant grant;
    grant.mutable_shares()->set_quiet_ratio(1);
    grant.mutable_shares()->set_fallback_ratio(0.5);
    EXPECT_TRUE(lane_.Take(grant, now_).ok());
  }

  static RateGrant GrantOf(uint64_t slots, uint64_t seq, int64_t ttl_s) {
    RateGrant grant;
    RateGrant::ClientSlots& to = *grant.add_client_slots();
    to.set_rule("web");
    to.set_prefix(PrefixOf(Client(), {}));
    to.set_slots(slots);
    to.set_seq(seq);
    to.mutable_ttl()->set_seconds(ttl_s);
    return grant;
  }

  // What is reported of clients now.
  std::vector<RateReport::ClientSlots> Reported() {
    now_ += RateLane::kInterval;
    std::vector<ConnectRequest> out;
    lane_.Report(now_, out);
    std::vector<RateReport::ClientSlots> reported;
    for (const ConnectRequest& message : out)
      for (const auto& told : message.rates().client_slots()) reported.push_back(told);
    return reported;
  }

  Instant now_ = Instant(seconds(1'000));
  RateLimiters limiters_{SipKey{}};
  Bandwidths bandwidths_;
  ClientLimits client_limits_;
  std::shared_ptr<ClientConnections> connections_;
  RateLane lane_{limiters_, bandwidths_, client_limits_};
};

TEST_F(RateLaneTest, SlotsOfAClientAreAppliedAndAnswered) {
  EXPECT_EQ(connections_->Look(Client()).slots, 5u);
  ASSERT_TRUE(lane_.Take(GrantOf(7, 3, 2), now_).ok());
  EXPECT_EQ(connections_->Look(Client()).slots, 7u);
  const auto hold = connections_->TryHold(Client());
  const auto reported = Reported();
  ASSERT_EQ(reported.size(), 1u);
  EXPECT_EQ(reported[0].rule(), "web");
  EXPECT_EQ(reported[0].held(), 1u);
  EXPECT_EQ(reported[0].slots(), 7u);
  EXPECT_EQ(reported[0].seq(), 3u);
  EXPECT_TRUE(Reported().empty());
  client_limits_.Step(now_ + seconds(2));
  EXPECT_EQ(connections_->Look(Client()).slots, 5u);
}

TEST_F(RateLaneTest, LimitsOfTheHostAloneGoByItsOwnRatio) {
  const BandwidthRates rates{1'000, 1'000, 100, 100};
  Bandwidths::Wanted wanted;
  const auto buckets = bandwidths_.ClientsOf("web", rates, now_, wanted);
  bandwidths_.Commit(wanted, now_);
  RateGrant grant;
  grant.mutable_shares()->set_quiet_ratio(0.4);
  grant.mutable_shares()->set_fallback_ratio(0.2);
  grant.mutable_shares()->set_host_ratio(1);
  ASSERT_TRUE(lane_.Take(grant, now_).ok());
  EXPECT_EQ(connections_->Look(Client()).slots, 10u);
  EXPECT_FALSE(client_limits_.reports()) << "nobody else has a part of them";
  EXPECT_FALSE(bandwidths_.reports());
  const auto pair = buckets->Of(Client(), now_);
  const auto due = pair->download.DueAt(pair->download.Book(1'100, now_), now_);
  EXPECT_EQ(due, now_ + seconds(1)) << "the whole burst, then the whole rate";
}

TEST_F(RateLaneTest, AHostRatioThatIsNoPartIsRefusedWhole) {
  RateGrant grant;
  grant.mutable_shares()->set_quiet_ratio(1);
  grant.mutable_shares()->set_fallback_ratio(1);
  for (const double ratio : {-0.5, 1.5}) {
    grant.mutable_shares()->set_host_ratio(ratio);
    EXPECT_FALSE(lane_.Take(grant, now_).ok());
  }
  EXPECT_EQ(connections_->Look(Client()).slots, 5u);
}

TEST_F(RateLaneTest, SlotsForNoTimeThatMakesSenseAreRefusedWhole) {
  EXPECT_FALSE(lane_.Take(GrantOf(7, 3, -1), now_).ok());
  EXPECT_FALSE(lane_.Take(GrantOf(7, 3, 3'600), now_).ok());
  EXPECT_EQ(connections_->Look(Client()).slots, 5u);
}

TEST_F(RateLaneTest, SlotsOfARuleThatIsNotThereChangeNothing) {
  RateGrant grant = GrantOf(7, 3, 2);
  grant.mutable_client_slots(0)->set_rule("gone");
  EXPECT_TRUE(lane_.Take(grant, now_).ok());
  EXPECT_EQ(connections_->Look(Client()).slots, 5u);
  EXPECT_TRUE(Reported().empty());
}

}  // namespace
}  // namespace lb::dataplane
