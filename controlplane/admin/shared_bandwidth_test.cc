// Limits of bandwidth that the hosts of a cluster share, as answers say it.
#include <optional>
#include <string>

#include "controlplane/admin/answers_fixture.h"
#include "controlplane/admin/limit_answers.h"
#include "controlplane/admin/shared_rate.h"
#include "controlplane/budget/bandwidth_use.h"

namespace lb::controlplane {
namespace {

using admin::v1::Limit;

class SharedBandwidthTest : public AnswersTest {
 protected:
  SharedBandwidthTest() {
    AddRule("web", {"a"});
    live_[0].backends[0].max_connections = 0;
    BandwidthLimitConfig limit;
    limit.client.upload_bytes_per_s = 1'000'000;
    limit.backend.download_bytes_per_s = 9'000'000;
    limit.shared = true;
    live_[0].bandwidth_limit = limit;
    live_[0].own_bandwidth_limit = true;
  }
  void BeginCluster() {
    cluster_.enabled = true;
    channel_.SetSelf(HostChannel::Self{"a", 7, "", {std::string(32, 'k')}});
    usage_.Begin(kNow);
    channel_.SetHosts({{"b", {}, 7}});
    usage_.NoteHosts();
  }
  // What the host says that a client, or a backend, moves there.
  void Report(const std::string& host, BandwidthId id, double upload, double download) {
    bandwidths_.ReportHost(
        host,
        {{.id = id, .upload = {upload, false}, .download = {download, false}, .connections = 1}},
        kNow);
  }
  static BandwidthId IdOf(const std::string& client) {
    return IdOfBandwidth("web", *ClientPrefixOf(client, RateLimitConfig{}), "");
  }
  admin::v1::ExplainConnectionResponse Explain(const std::string& client) const {
    return DescribeConnection(live_[0], Endpoint::FromIp(client, 0).value(), std::nullopt, "",
                              view(), {});
  }
  static std::string WhyOf(const admin::v1::ExplainConnectionResponse& explained) {
    for (const auto& check : explained.checks())
      if (check.name() == "bandwidth_limit") return check.why();
    return "";
  }
};

constexpr char kHere[] = "upload 0B/s of 1MB/s, download 0B/s, no limit, 0 connections";

TEST_F(SharedBandwidthTest, WithoutAClusterOrTheScopeALimitIsThatOfTheHost) {
  const auto is_shared = [this] {
    const auto limits = DescribeLimits(view(), "", {});
    EXPECT_EQ(limits.limits_size(), 2);
    EXPECT_EQ(limits.limits(0).has_shared_bandwidth(), limits.limits(1).has_shared_bandwidth());
    EXPECT_EQ(Explain("10.1.2.3").has_shared_bandwidth(), limits.limits(0).has_shared_bandwidth());
    return limits.limits(0).has_shared_bandwidth();
  };
  EXPECT_FALSE(is_shared());
  EXPECT_EQ(WhyOf(Explain("10.1.2.3")), kHere);
  BeginCluster();
  EXPECT_TRUE(is_shared());
  live_[0].bandwidth_limit->shared = false;
  EXPECT_FALSE(is_shared());
}

TEST_F(SharedBandwidthTest, ExplainSaysWhatTheClientMovesOnOtherHosts) {
  BeginCluster();
  Report("b", IdOf("fd00:1:2:3::1"), 300'000, 0);
  EXPECT_EQ(WhyOf(Explain("fd00:1:2:3::9")),
            std::string(kHere) + "; 1 other host: upload 300kB/s, download 0B/s, 1 connection");
  Report("c", IdOf("fd00:1:2:3::1"), 200'000, 5'000);
  const auto explained = Explain("fd00:1:2:3::9");
  EXPECT_EQ(
      WhyOf(explained),
      std::string(kHere) + "; 2 other hosts: upload 500kB/s, download 5.0kB/s, 2 connections");
  EXPECT_EQ(explained.shared_bandwidth().hosts(), 2u);
  EXPECT_EQ(explained.shared_bandwidth().upload_bytes_per_s(), 500'000);
  EXPECT_EQ(WhyOf(Explain("fd00:1:2:4::9")),
            std::string(kHere) + "; no other host says that it moves any");
}

TEST_F(SharedBandwidthTest, TheLimitOfABackendSaysWhatOtherHostsMove) {
  BeginCluster();
  Report("b", IdOfBandwidth("web", 0, "a"), 1'000, 2'000'000);
  const auto limits = DescribeLimits(view(), "", {});
  ASSERT_EQ(limits.limits_size(), 2);
  EXPECT_EQ(limits.limits(0).kind(), Limit::KIND_CLIENT_BANDWIDTH);
  EXPECT_EQ(limits.limits(0).shared_bandwidth().hosts(), 0u) << "each client has its own";
  EXPECT_EQ(limits.limits(1).kind(), Limit::KIND_BACKEND_BANDWIDTH);
  EXPECT_EQ(limits.limits(1).shared_bandwidth().hosts(), 1u);
  EXPECT_EQ(limits.limits(1).shared_bandwidth().download_bytes_per_s(), 2'000'000);
}

}  // namespace
}  // namespace lb::controlplane
