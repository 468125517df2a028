// What passes between worker and control plane about TLS: handshakes up, ticket keys down.
#include <string>

#include "dataplane/control/stats_lane.h"
#include "dataplane/control/ticket_lane.h"
#include "dataplane/tls/ticket_keys.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

namespace worker = lb::worker::v1;

TEST(TlsReportsTest, HandshakesAreReportedOverAllThreads) {
  StateRegistry registry(2);
  StatsLane lane(registry);
  const auto rule = registry.FindOrMakeRule("web");
  const auto backend = registry.FindOrMakeBackend({"web", "a"});
  for (RuleCounters& counters : rule->counters) {
    counters.handshakes_total.Add(5);
    counters.resumed_handshakes_total.Add(2);
    counters.handshakes.Add(1);
    counters.handshake_failures[static_cast<size_t>(HandshakeFailure::kUnknownName)].Add(3);
  }
  backend->counters[1].handshakes_total.Add(4);
  backend->counters[1].resumed_handshakes_total.Add(3);
  backend->counters[0].connect_failures[static_cast<size_t>(ConnectFailure::kTlsRevoked)].Add(1);
  const auto reports = lane.Report({}, Instant());
  ASSERT_EQ(reports.size(), 1u);
  const worker::StatsReport& report = reports[0].stats();
  ASSERT_EQ(report.rules_size(), 1);
  EXPECT_EQ(report.rules(0).handshakes_total(), 10u);
  EXPECT_EQ(report.rules(0).resumed_handshakes_total(), 4u);
  EXPECT_EQ(report.rules(0).handshakes(), 2u);
  EXPECT_EQ(report.rules(0).handshake_failures_total().at("unknown_name"), 6u);
  ASSERT_EQ(report.backends_size(), 1);
  EXPECT_EQ(report.backends(0).handshakes_total(), 4u);
  EXPECT_EQ(report.backends(0).resumed_handshakes_total(), 3u);
  EXPECT_EQ(report.backends(0).connect_failures_total().at("tls_revoked"), 1u);
}

worker::TicketKeys KeysOf(size_t count, size_t secret_bytes) {
  worker::TicketKeys message;
  for (size_t i = 0; i < count; ++i) {
    auto& key = *message.add_keys();
    key.set_name(std::string(tls::TicketKey::kNameBytes, static_cast<char>('a' + i)));
    key.set_secret(std::string(secret_bytes, 's'));
  }
  return message;
}

TEST(TlsReportsTest, TicketKeysAreTakenInTheirOrder) {
  tls::TicketKeys keys;
  ASSERT_TRUE(TakeTicketKeys(KeysOf(3, tls::TicketKey::kSecretBytes), keys).ok());
  const auto taken = keys.Get();
  ASSERT_GE(taken->size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(taken->at(i).name[0], 'a' + i);
}

TEST(TlsReportsTest, TicketKeysThatAreNoneChangeNothing) {
  tls::TicketKeys keys;
  const auto before = keys.Get();
  EXPECT_FALSE(TakeTicketKeys(KeysOf(0, 0), keys).ok());
  EXPECT_FALSE(TakeTicketKeys(KeysOf(1, tls::TicketKey::kSecretBytes - 1), keys).ok());
  EXPECT_EQ(keys.Get(), before);
}

}  // namespace
}  // namespace lb::dataplane
