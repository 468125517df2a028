#include "controlplane/budget/usage_exchange.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controlplane/budget/usage_word.h"

namespace lb::controlplane {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const swim::Address kA{{'\x0a', '\0', '\0', '\1'}, 7'947};
const swim::Address kB{{'\x0a', '\0', '\0', '\2'}, 7'947};
const std::vector<std::string> kKeys{std::string(32, 'k')};

// A host with one worker.
struct Host {
  explicit Host(const std::string& name, Instant now) {
    ledger.SetLimits({{"web", {100, 50}}}, now);
    ledger.Connect({"w", "1"}, true, now);
    ledger.Settle(now);
    channel.SetSelf(HostChannel::Self{name, 7, "", kKeys});
    exchange.Begin(now);
  }
  void Knows(const std::string& name, const swim::Address& address) {
    channel.SetHosts({{name, address, 7}});
    exchange.NoteHosts();
  }
  bool Receive(const std::string& datagram, Instant now) {
    const auto word = channel.Open(datagram);
    return word && exchange.Receive(*word, ledger, now);
  }
  void Arrive(uint64_t total, Instant now) {
    worker::v1::RateReport report;
    worker::v1::RateReport::Limit& limit = *report.add_limits();
    limit.set_rule("web");
    worker::v1::RateReport::Client& client = *limit.add_clients();
    client.set_prefix(1);
    client.set_arrivals(total);
    client.set_admitted(total);
    ledger.Report({"w", "1"}, report, now);
    ledger.Settle(now);
  }

  RateLedger ledger;
  HostChannel channel;
  UsageExchange exchange{channel};
};

class UsageExchangeTest : public testing::Test {
 protected:
  UsageExchangeTest() {
    a_.Knows("b", kB);
    b_.Knows("a", kA);
  }
  std::vector<HostChannel::Datagram> Step(Host& host) {
    std::vector<HostChannel::Datagram> out;
    host.exchange.Step(host.ledger, now_, out);
    return out;
  }

  Instant now_{seconds(1'000)};
  Host a_{"a", now_};
  Host b_{"b", now_};
};

TEST_F(UsageExchangeTest, AHostThatIsAskedTellsTheOthers) {
  Step(a_);
  a_.Arrive(1, now_);
  Step(a_);
  now_ += milliseconds(50);
  a_.Arrive(40, now_);
  const auto datagrams = Step(a_);
  ASSERT_EQ(datagrams.size(), 1u) << "at once: it is news";
  EXPECT_EQ(datagrams[0].to, kB);
  EXPECT_TRUE(b_.Receive(datagrams[0].bytes, now_));
  const RateLedger::Client* const client = b_.ledger.Find("web", 1);
  ASSERT_NE(client, nullptr);
  EXPECT_GT(b_.ledger.FindHost("web", 1, "a", now_)->demand_per_s, 0);
  EXPECT_FALSE(b_.Receive(datagrams[0].bytes, now_)) << "a second time";
}

TEST_F(UsageExchangeTest, AWordThatMakesNoSenseIsCounted) {
  EXPECT_FALSE(b_.exchange.Receive({"a", std::string("\x01\x02", 2)}, b_.ledger, now_));
  EXPECT_EQ(b_.channel.counters().refused[static_cast<size_t>(swim::UsageError::kMalformed)], 1u);
}

TEST_F(UsageExchangeTest, AHostIsHeardWithoutAnyClient) {
  const auto datagrams = Step(a_);
  ASSERT_EQ(datagrams.size(), 1u);
  EXPECT_LT(b_.exchange.book()->Others(now_).side_ratio, 1);
  b_.Receive(datagrams[0].bytes, now_);
  EXPECT_EQ(b_.exchange.book()->Others(now_).side_ratio, 1);
  now_ += milliseconds(199);
  EXPECT_TRUE(Step(a_).empty());
  now_ += milliseconds(1);
  EXPECT_EQ(Step(a_).size(), 1u);
}

TEST_F(UsageExchangeTest, ThoseThatThereIsNoRoomForHaveAWatermark) {
  Step(a_);
  constexpr uint64_t kClients = 2'000;
  for (int i = 1; i <= 24; ++i) {
    now_ += milliseconds(50);
    worker::v1::RateReport report;
    worker::v1::RateReport::Limit& limit = *report.add_limits();
    limit.set_rule("web");
    for (uint64_t prefix = 1; prefix <= kClients; ++prefix) {
      worker::v1::RateReport::Client& client = *limit.add_clients();
      client.set_prefix(prefix);
      client.set_arrivals(static_cast<uint64_t>(2 * i));
    }
    a_.ledger.Report({"w", "1"}, report, now_);
    a_.ledger.Settle(now_);
    for (const auto& datagram : Step(a_)) {
      EXPECT_LE(datagram.bytes.size(), UsageExchange::kMaxWordBytes);
      EXPECT_TRUE(b_.Receive(datagram.bytes, now_));
    }
  }
  EXPECT_GT(a_.ledger.left_out().clients, 500u);
  EXPECT_NEAR(a_.ledger.left_out().watermark_ratio, 0.4, 0.2) << "40 of 100 in a second";
  EXPECT_TRUE(b_.ledger.LeavesOut("a"));
  EXPECT_FALSE(b_.ledger.LeavesOut("b"));
}

TEST_F(UsageExchangeTest, OtherKeysGoOnWithWhatIsKnown) {
  const auto before = Step(a_);
  const std::vector<std::string> other{std::string(16, 'n'), kKeys[0]};
  b_.channel.SetSelf(HostChannel::Self{"b", 7, "", other});
  EXPECT_TRUE(b_.Receive(before[0].bytes, now_));
  a_.channel.SetSelf(HostChannel::Self{"a", 7, "", other});
  now_ += milliseconds(200);
  const auto after = Step(a_);
  EXPECT_TRUE(b_.Receive(after[0].bytes, now_));
  EXPECT_FALSE(b_.Receive(before[0].bytes, now_)) << "a second time";
}

// What anybody could have said.
TEST_F(UsageExchangeTest, WithoutAKeyTheWordOfAHostLeavesEveryClientItsEvenPart) {
  for (Host* host : {&a_, &b_}) {
    host->channel.SetSelf(std::nullopt);
    host->channel.SetSelf(HostChannel::Self{host == &a_ ? "a" : "b", 7, "", {}});
    host->exchange.Begin(now_);
  }
  b_.Knows("a", kA);
  const std::string word = EncodeUsage(
      {.told = {.serving = 65'535, .kept_ratio = 1}, .watermark_ratio = 0, .clients = {}});
  EXPECT_TRUE(b_.exchange.Receive({"a", word}, b_.ledger, now_));
  Step(b_);
  EXPECT_DOUBLE_EQ(b_.ledger.told().quiet_ratio, 1) << "as with one other worker";
  EXPECT_DOUBLE_EQ(b_.ledger.told().fallback_ratio, 0.5);
}

TEST_F(UsageExchangeTest, WithAKeyAHostsWordOfItsWorkersCounts) {
  const std::string word = EncodeUsage(
      {.told = {.serving = 3, .kept_ratio = 0.25}, .watermark_ratio = 0, .clients = {}});
  EXPECT_TRUE(b_.exchange.Receive({"a", word}, b_.ledger, now_));
  EXPECT_NEAR(b_.ledger.told().quiet_ratio, 0.75 * 2 / 4, 0.001);
  EXPECT_NEAR(b_.ledger.told().fallback_ratio, 0.75 / 4, 0.001);
}

TEST_F(UsageExchangeTest, WithoutAClusterNothingIsTold) {
  a_.channel.SetSelf(std::nullopt);
  a_.exchange.Begin(now_);
  EXPECT_TRUE(Step(a_).empty());
  EXPECT_EQ(a_.exchange.NextDeadline(a_.ledger, now_), Instant::max());
  EXPECT_FALSE(a_.Receive(Step(b_)[0].bytes, now_));
}

}  // namespace
}  // namespace lb::controlplane
