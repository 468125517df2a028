// Rate limits that hosts share, in lbctl: what explain says of them, and the list of clients.
#include <boost/json.hpp>

#include "cli/lbctl_fixture.h"

namespace lb::cli {
namespace {

namespace json = boost::json;
using lb::admin::v1::SharedRate;

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class LbctlLimitTest : public LbctlTest {
 protected:
  LbctlLimitTest() {
    shared_.set_basis(SharedRate::BASIS_DEMAND);
    shared_.set_demand_per_s(60);
    shared_.set_admitted_per_s(33.3);
    shared_.set_cluster_demand_per_s(180);
    shared_.set_cluster_admitted_per_s(100);
    shared_.set_share_per_s(33.3);
    shared_.set_share_ratio(0.333);
    shared_.set_side_ratio(1);
    shared_.set_limit_ratio(1);
    shared_.set_tokens(4);
    shared_.set_burst(50);
    shared_.set_hosts_heard(3);
    shared_.set_hosts_expected(3);
    shared_.mutable_age()->set_nanos(180'000'000);
    for (const char* name : {"lb-2", "lb-3"}) {
      SharedRate::Host& host = *shared_.add_hosts();
      host.set_member(std::string("members/") + name);
      host.set_demand_per_s(60);
      host.set_admitted_per_s(33.3);
      host.set_heard(true);
      host.mutable_told_age()->set_nanos(180'000'000);
      host.mutable_age()->set_nanos(180'000'000);
    }
  }
  std::string Explain() {
    fakes::AdminServer::Data data = ExampleData();
    *data.explained.mutable_shared_rate() = shared_;
    server_->Set(data);
    const ProcessResult result = Run({"explain", "--rule", "web", "--client", "10.1.2.3"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  }

  SharedRate shared_;
};

TEST_F(LbctlLimitTest, ExplainSaysWhatEachHostIsAskedForAndWhatThisOneGives) {
  const std::string text = Explain();
  EXPECT_TRUE(Has(text,
                  "HOST      DEMAND/S  ADMITTED/S  TOLD  HEARD  NOTE\n"
                  "this one      60.0        33.3     -      -  -\n"
                  "lb-2          60.0        33.3  0.2s   0.2s  -\n"
                  "lb-3          60.0        33.3  0.2s   0.2s  -\n"
                  "all          180.0       100.0     -      -  -\n"))
      << text;
  EXPECT_TRUE(Has(text,
                  "This host gives out 33.3/s, 33.3% of the limit: this host's part of what "
                  "the client asks for on all hosts.\n"))
      << text;
  EXPECT_TRUE(Has(text, "3 of 3 hosts are heard, the oldest word is 0.2s old.\n")) << text;
  EXPECT_TRUE(Has(text, "Over all hosts 4.0 of 50 tokens are left.\n")) << text;
}

TEST_F(LbctlLimitTest, ExplainSaysWhoIsSilentAndWhatThisSideHas) {
  shared_.set_hosts_heard(1);
  shared_.set_side_ratio(1.0 / 3);
  shared_.set_limit_ratio(1.0 / 6);
  shared_.set_tokens(-12);
  shared_.mutable_age()->set_seconds(12);
  shared_.mutable_hosts(0)->set_heard(false);
  shared_.mutable_hosts(0)->mutable_age()->set_seconds(12);
  shared_.mutable_hosts(1)->set_heard(false);
  shared_.mutable_hosts(1)->clear_age();
  shared_.mutable_hosts(1)->clear_told_age();
  const std::string text = Explain();
  EXPECT_TRUE(Has(text, "not heard for 12s")) << text;
  EXPECT_TRUE(Has(text, "was never heard")) << text;
  EXPECT_TRUE(Has(text,
                  "Only 1 of 3 hosts is heard, the oldest word is 12s old: until the others "
                  "are heard, it has 33.3% of the limit.\n"))
      << text;
  EXPECT_TRUE(Has(text, "50.0% of that are kept for workers without a control plane.\n")) << text;
  EXPECT_TRUE(Has(text, "12.0 connections were admitted too early")) << text;
}

TEST_F(LbctlLimitTest, ExplainSaysWhyABudgetIsWhatItIs) {
  shared_.set_basis(SharedRate::BASIS_QUIET);
  EXPECT_TRUE(Has(Explain(), "what every quiet client has here"));
  shared_.set_basis(SharedRate::BASIS_NEW);
  EXPECT_TRUE(Has(Explain(), "it is busy since just now"));
  shared_.set_basis(SharedRate::BASIS_ROOM);
  EXPECT_TRUE(Has(Explain(), "asked for less than the limit"));
  shared_.mutable_hosts(0)->clear_told_age();
  shared_.mutable_hosts(0)->set_leaves_out(true);
  EXPECT_TRUE(Has(Explain(), "has more busy clients than it tells of"));
}

TEST_F(LbctlLimitTest, ALimitOfBandwidthSaysWhatOtherHostsUse) {
  fakes::AdminServer::Data data = ExampleData();
  lb::admin::v1::Limit& limit = *data.limits.add_limits();
  limit.set_kind(lb::admin::v1::Limit::KIND_BACKEND_BANDWIDTH);
  limit.set_rule("rules/web");
  limit.set_backend("rules/web/backends/web-1");
  limit.set_max_download_bytes_per_s(4'000'000);
  limit.set_download_bytes_per_s(1'000'000);
  server_->Set(data);
  EXPECT_TRUE(Has(Run({"get", "limits"}).out, "down 4MB/s  up 0B/s, down 1.0MB/s  "));
  limit.mutable_shared_bandwidth();
  server_->Set(data);
  EXPECT_TRUE(Has(Run({"get", "limits"}).out, "down 4MB/s (cluster)  up 0B/s, down 1.0MB/s  "));
  limit.mutable_shared_bandwidth()->set_hosts(2);
  limit.mutable_shared_bandwidth()->set_download_bytes_per_s(2'000'000);
  server_->Set(data);
  const std::string table = Run({"get", "limits"}).out;
  EXPECT_TRUE(Has(table, "down 1.0MB/s (other hosts up 0B/s, down 2.0MB/s)")) << table;
}

TEST_F(LbctlLimitTest, TheListOfClientsHasAllHostsWhereTheyShare) {
  fakes::AdminServer::Data data = ExampleData();
  lb::admin::v1::ClientUse& use = *data.clients.add_clients();
  use.set_client("10.1.2.3");
  use.set_connects_per_s(60);
  use.add_buckets()->set_rate_per_s(33.3);
  server_->Set(data);
  EXPECT_FALSE(Has(Run({"get", "clients"}).out, "ALL HOSTS/S"));
  *use.mutable_shared_rate() = shared_;
  server_->Set(data);
  const std::string table = Run({"get", "clients"}).out;
  EXPECT_TRUE(Has(table, "ALL HOSTS/S  SHARE  HEARD   AGE\n")) << table;
  EXPECT_TRUE(Has(table, "180.0  33.3%    3/3  0.2s\n")) << table;
  const json::value list = json::parse(Run({"get", "clients", "-o", "json"}).out);
  const json::value& shared = list.at("items").at(0).at("sharedRate");
  EXPECT_EQ(shared.at("clusterDemandPerS").to_number<double>(), 180);
  EXPECT_EQ(shared.at("hosts").at(0).at("member"), "members/lb-2");
}

}  // namespace
}  // namespace lb::cli
