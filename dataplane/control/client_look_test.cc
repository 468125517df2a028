#include "dataplane/control/client_look.h"

#include <chrono>
#include <string>

#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

using lb::worker::v1::ClientReport;
using std::chrono::seconds;

class ClientLookTest : public testing::Test {
 protected:
  ClientLookTest() {
    const RateLimiter::Settings settings{
        .rate_per_s = 10, .burst = 10, .prefix_lengths = {}, .max_clients = 100};
    for (const std::string name : {"web", "web/client_cert"})
      wanted_[name] = {limiters_.FindOrMake(name, settings), settings};
    limiters_.Commit(wanted_, now_);
  }

  // One more connection of this identity.
  void Connect(const std::string& identity) {
    const ClientPrefix client = ClientNames::Of(identity);
    limiters_.identities()->Note(client, identity);
    wanted_["web/client_cert"].limiter->Admit(client, now_);
  }

  // What is said of `client`, and of the busiest of all limits.
  ClientReport Look(const std::string& client) {
    lb::worker::v1::Command command;
    command.mutable_look_at_clients()->set_top(10);
    command.mutable_look_at_clients()->set_client(client);
    return LookAtClients(command, limiters_, bandwidths_, nullptr, now_).clients();
  }

  const Instant now_ = Instant(seconds(1'000));
  RateLimiters limiters_{SipKey{}};
  RateLimiters::ByRule wanted_;
  Bandwidths bandwidths_;
};

TEST_F(ClientLookTest, ClientsOfALimitOfIdentitiesAreToldByName) {
  Connect("spiffe://example/a");
  Connect("spiffe://example/a");
  Connect("spiffe://example/b");
  const ClientReport report = Look("10.0.0.1");
  ASSERT_EQ(report.limits_size(), 2);
  EXPECT_EQ(report.limits(0).rule(), "web");
  EXPECT_EQ(report.limits(0).asked().client(), "10.0.0.1");
  EXPECT_EQ(report.limits(0).asked().tokens(), 10);
  const ClientReport::Limit& identities = report.limits(1);
  EXPECT_EQ(identities.rule(), "web/client_cert");
  ASSERT_EQ(identities.clients_size(), 2);
  EXPECT_EQ(identities.clients(0).client(), "spiffe://example/a");
  EXPECT_EQ(identities.clients(0).tokens(), 8);
  EXPECT_EQ(identities.clients(1).client(), "spiffe://example/b");
  EXPECT_FALSE(identities.has_asked());  // An address is no identity.
}

}  // namespace
}  // namespace lb::dataplane
