#include "dataplane/control/session.h"

#include <cerrno>
#include <string>

#include "base/sha256.h"
#include "dataplane/control/fake_traffic.h"
#include "gtest/gtest.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane {
namespace {

using lb::type::v1::ConfigVersion;
using lb::worker::v1::ConnectRequest;
using lb::worker::v1::ConnectResponse;
using lb::worker::v1::Nack;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Instant kStart = Instant() + seconds(1'000);

lb::type::v1::Snapshot Web() {
  lb::type::v1::Snapshot snapshot;
  auto& rule = *snapshot.add_rules();
  rule.set_name("web");
  rule.set_listen("127.0.0.1:8080");
  rule.mutable_timeouts()->set_connect_ms(1'000);
  rule.mutable_timeouts()->set_idle_ms(1'000);
  rule.mutable_timeouts()->set_half_close_ms(1'000);
  rule.set_balance(lb::type::v1::BALANCE_WEIGHTED_ROUND_ROBIN);
  rule.set_connect_attempts(1);
  return snapshot;
}

ConfigVersion Version(const std::string& bytes, uint64_t epoch, uint64_t revision) {
  ConfigVersion version;
  version.set_epoch(epoch);
  version.set_revision(revision);
  version.set_digest(Sha256(bytes));
  return version;
}

ConnectResponse Welcome() {
  ConnectResponse message;
  message.mutable_welcome()->set_protocol(Session::kProtocol);
  return message;
}

class SessionTest : public testing::Test {
 protected:
  SessionTest()
      : registry_(1),
        config_(traffic_, registry_, [] { return kStart; }),
        drainer_(traffic_),
        connections_(traffic_, 1) {}

  Session MakeSession() {
    return Session({registry_, traffic_, config_, drainer_, connections_, log_}, kStart);
  }
  Session MakeWelcomed() {
    Session session = MakeSession();
    Session::Messages none;
    EXPECT_TRUE(session.Take(Welcome(), kStart, none).ok());
    EXPECT_TRUE(none.empty());
    return session;
  }

  // The answer to `snapshot` under a version, in one part.
  ConnectRequest Offer(Session& session, const lb::type::v1::Snapshot& snapshot, uint64_t epoch,
                       uint64_t revision) {
    const std::string bytes = snapshot.SerializeAsString();
    ConnectResponse message;
    *message.mutable_snapshot()->mutable_version() = Version(bytes, epoch, revision);
    message.mutable_snapshot()->set_total_bytes(bytes.size());
    message.mutable_snapshot()->set_data(bytes);
    Session::Messages out;
    EXPECT_TRUE(session.Take(message, kStart, out).ok());
    EXPECT_EQ(out.size(), 1u);
    return out.empty() ? ConnectRequest() : out.front();
  }
  absl::Status Take(Session& session, const ConnectResponse& message) {
    Session::Messages out;
    return session.Take(message, kStart, out);
  }

  FakeTraffic traffic_;
  StateRegistry registry_;
  ConfigLane config_;
  Drainer drainer_;
  ConnectionLane connections_;
  LogLane log_;
};

TEST_F(SessionTest, AppliesWhatIsNewerAndSaysHelloWithIt) {
  Session session = MakeWelcomed();
  EXPECT_TRUE(Offer(session, Web(), 3, 7).has_ack());
  ASSERT_NE(traffic_.in_force, nullptr);
  EXPECT_EQ(traffic_.in_force->rules.size(), 1u);
  const auto hello = MakeSession().Hello({{}, 4}).hello();
  EXPECT_EQ(hello.running().epoch(), 3u);
  EXPECT_EQ(hello.running().revision(), 7u);
  EXPECT_EQ(hello.protocol_min(), 1u);
  EXPECT_EQ(hello.protocol_max(), 1u);
  EXPECT_EQ(hello.threads(), 4u);
  EXPECT_EQ(hello.log_level(), lb::type::v1::LOG_LEVEL_INFO);
}

TEST_F(SessionTest, ARefusedSnapshotChangesNothing) {
  Session session = MakeWelcomed();
  ASSERT_TRUE(Offer(session, Web(), 1, 1).has_ack());
  const auto before = traffic_.in_force;

  auto invalid = Web();
  invalid.mutable_rules(0)->set_listen("nowhere");
  ConnectRequest answer = Offer(session, invalid, 1, 2);
  EXPECT_EQ(answer.nack().reason(), Nack::REASON_INVALID);
  EXPECT_EQ(answer.nack().rejected().revision(), 2u);
  EXPECT_EQ(answer.nack().running().revision(), 1u);
  ASSERT_GE(answer.nack().problems_size(), 1);
  EXPECT_EQ(answer.nack().problems(0).field(), "rules/web/listen");

  auto future = Web();
  future.add_required_features("teleport");
  EXPECT_EQ(Offer(session, future, 1, 3).nack().reason(), Nack::REASON_MISSING_FEATURE);
  EXPECT_EQ(Offer(session, Web(), 1, 1).nack().reason(), Nack::REASON_STALE_VERSION);
  EXPECT_EQ(Offer(session, Web(), 0, 9).nack().reason(), Nack::REASON_STALE_VERSION);

  traffic_.failures = {{"web", Endpoint::Parse("0.0.0.0:80").value(), EADDRINUSE}};
  answer = Offer(session, Web(), 1, 4);
  EXPECT_EQ(answer.nack().reason(), Nack::REASON_BIND_FAILED);
  EXPECT_EQ(answer.nack().problems(0).field(), "rules/web/listen");
  EXPECT_EQ(answer.nack().problems(0).message(), "0.0.0.0:80: Address already in use (EADDRINUSE)");
  EXPECT_EQ(traffic_.in_force, before);
  EXPECT_EQ(config_.running()->revision(), 1u);
}

TEST_F(SessionTest, TheSameContentUnderANewNumberIsAdopted) {
  Session session = MakeWelcomed();
  ASSERT_TRUE(Offer(session, Web(), 1, 1).has_ack());
  ConnectResponse rename;
  *rename.mutable_version()->mutable_version() = Version(Web().SerializeAsString(), 2, 1);
  Session::Messages out;
  ASSERT_TRUE(session.Take(rename, kStart, out).ok());
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].ack().version().epoch(), 2u);
  EXPECT_EQ(config_.running()->epoch(), 2u);
  *rename.mutable_version()->mutable_version() = Version("other", 2, 2);
  EXPECT_FALSE(Take(session, rename).ok());
  EXPECT_EQ(config_.running()->revision(), 1u);
}

TEST_F(SessionTest, GarbageIsAnError) {
  Session not_welcomed = MakeSession();
  ConnectResponse health;
  health.mutable_health()->set_complete(true);
  EXPECT_FALSE(Take(not_welcomed, health).ok());
  ConnectResponse other_protocol = Welcome();
  other_protocol.mutable_welcome()->set_protocol(2);
  EXPECT_FALSE(Take(not_welcomed, other_protocol).ok());
  EXPECT_FALSE(not_welcomed.welcomed());

  Session session = MakeWelcomed();
  EXPECT_FALSE(Take(session, Welcome()).ok());
  EXPECT_FALSE(Take(session, ConnectResponse()).ok());
  ConnectResponse part;
  part.mutable_snapshot()->set_offset(17);
  EXPECT_FALSE(Take(session, part).ok());
  ConnectResponse command;
  command.mutable_command();
  EXPECT_FALSE(Take(session, command).ok());
}

TEST_F(SessionTest, ASilentControlPlaneIsGivenUp) {
  Session session = MakeSession();
  Session::Messages out;
  EXPECT_TRUE(session.Tick(kStart + milliseconds(9'999), out).ok());
  EXPECT_TRUE(out.empty());
  EXPECT_TRUE(absl::IsDeadlineExceeded(session.Tick(kStart + Session::kWelcomeTimeout, out)));
}

TEST_F(SessionTest, StatisticsComeAtTheIntervalAskedFor) {
  Session session = MakeSession();
  ConnectResponse welcome = Welcome();
  welcome.mutable_welcome()->mutable_stats_interval()->set_seconds(2);
  ASSERT_TRUE(Take(session, welcome).ok());
  int reports = 0;
  for (int tick = 0; tick < 100; ++tick) {  // Ten seconds.
    Session::Messages out;
    ASSERT_TRUE(session.Tick(kStart + tick * milliseconds(100), out).ok());
    for (const auto& message : out) reports += message.has_stats() ? 1 : 0;
  }
  EXPECT_EQ(reports, 5);
}

TEST_F(SessionTest, ADrainGoesOnInTheNextSessionAndHelloSaysSo) {
  traffic_.open = 1;
  Session session = MakeWelcomed();
  ConnectResponse command;
  command.mutable_command()->set_id("drain-1");
  command.mutable_command()->mutable_drain();
  ASSERT_TRUE(Take(session, command).ok());
  EXPECT_FALSE(traffic_.accepting);
  Session next = MakeSession();
  EXPECT_TRUE(next.Hello({}).hello().draining());
  ASSERT_TRUE(Take(next, Welcome()).ok());
  Session::Messages out;
  ASSERT_TRUE(next.Tick(kStart + seconds(1), out).ok());
  ASSERT_FALSE(out.empty());
  EXPECT_EQ(out.back().drain().command_id(), "drain-1");
}

}  // namespace
}  // namespace lb::dataplane
