// Files of TLS in the control loop.
#include <memory>
#include <string>
#include <vector>

#include "controlplane/loop/control_loop.h"
#include "controlplane/loop/test_messages.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::controlplane {
namespace {

using std::chrono::hours;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr char kSecret[] = "the private key";
const CertificateFiles kPair{"/a.crt", "/a.key", ""};

class CertificateTurnTest : public testing::Test {
 protected:
  CertificateTurnTest() {
    ControlLoop::Options options;
    options.node_id = "node";
    options.incarnation = "one";
    options.seed = 1;
    options.start_time = WallTime(hours(24 * 20'000));
    Turn([&](std::vector<Action>& actions) {
      loop_ = std::make_unique<ControlLoop>(std::move(options), now_, actions);
    });
    Handle(WorkerMessage{1, HelloOf("w", "i", 42, {"tls"})});
  }

  template <typename Act>
  void Turn(Act act) {
    actions_.clear();
    act(actions_);
    for (const Action& action : actions_) {
      const auto* send = std::get_if<SendToWorker>(&action);
      if (send == nullptr || !send->message.has_snapshot()) continue;
      ++snapshots_;
      Ack(send->message.snapshot().version());
    }
    if (ack_) {
      const auto ack = *std::exchange(ack_, std::nullopt);
      std::vector<Action> ignored;
      loop_->Handle(ack, now_, ignored);
    }
  }

  void Ack(const type::v1::ConfigVersion& version) {
    ack_ = WorkerMessage{1, {}};
    *ack_->message.mutable_ack()->mutable_version() = version;
  }

  void Handle(const Event& event) {
    Turn([&](std::vector<Action>& actions) { loop_->Handle(event, now_, actions); });
  }

  // The configuration with a certificate of this id, that ends so long after the start.
  ConfigRead Read(const std::string& id, Duration ends_after = hours(24 * 100)) {
    ConfigRead read;
    read.path = "lb.yaml";
    read.config.emplace();
    RuleConfig& rule = read.config->rules.emplace_back();
    rule.name = "web";
    rule.listen = Endpoint::FromIp("127.0.0.1", 443).value();
    rule.tls = TlsConfig{.certificates = {kPair}};
    TlsMaterial material;
    CertificatePair& pair = material.pairs[kPair];
    pair.id = id;
    pair.chain_der = {"certificate"};
    pair.key_der = kSecret;
    pair.facts.subject = "CN=" + id;
    pair.facts.not_after_s =
        (hours(24 * 20'000) + std::chrono::duration_cast<std::chrono::seconds>(ends_after)).count();
    read.material = std::make_shared<const TlsMaterial>(std::move(material));
    read.content = "content";
    read.digest = "digest";
    return read;
  }

  ConfigRead Renewed(const std::string& id) {
    ConfigRead read = Read(id);
    read.only_files = true;
    return read;
  }

  ConfigRead Refused() {
    ConfigRead read = Renewed("x");
    read.config.reset();
    read.material.reset();
    read.bad_files = {{"/a.key", "it holds no private key"}};
    return read;
  }

  // What was logged in the last turn.
  std::vector<std::string> Logged() const {
    std::vector<std::string> lines;
    for (const Action& action : actions_)
      if (const auto* line = std::get_if<WriteLog>(&action)) lines.push_back(line->message);
    return lines;
  }

  Instant now_{hours(1)};
  std::unique_ptr<ControlLoop> loop_;
  std::vector<Action> actions_;
  std::optional<WorkerMessage> ack_;
  int snapshots_ = 0;
};

constexpr char kLoaded[] = "a file of TLS came into force";
constexpr char kAccepted[] = "the configuration is accepted";
constexpr char kRefused[] = "a file of TLS is refused; what is in force stays";
constexpr char kMended[] = "a file of TLS that was refused is good again";
constexpr char kExpiring[] = "a file of TLS in force expires soon; it is not renewed";
constexpr char kExpired[] = "a file of TLS in force has expired";

TEST_F(CertificateTurnTest, ARenewedCertificateGoesToWorkersWithoutANewRevision) {
  Handle(Read("1"));
  EXPECT_THAT(Logged(), Contains(kLoaded));
  EXPECT_THAT(Logged(), Contains(kAccepted));
  EXPECT_EQ(snapshots_, 1);
  Handle(Renewed("2"));
  EXPECT_THAT(Logged(), Contains(kLoaded));
  EXPECT_THAT(Logged(), Not(Contains(kAccepted)));
  EXPECT_EQ(snapshots_, 2);
  for (const Action& action : actions_) EXPECT_FALSE(std::holds_alternative<KeepRevision>(action));
}

TEST_F(CertificateTurnTest, ARefusedFileIsSaidLoudlyAndChangesNothing) {
  Handle(Read("1"));
  Handle(Refused());
  EXPECT_THAT(Logged(), Contains(kRefused));
  EXPECT_EQ(snapshots_, 1);
  Handle(Renewed("1"));
  EXPECT_EQ(snapshots_, 1);
  EXPECT_THAT(Logged(), Contains(kMended));
  Handle(Renewed("2"));
  EXPECT_THAT(Logged(), Not(Contains(kMended)));
}

TEST_F(CertificateTurnTest, AnotherFileIsRenewedBesideOneThatIsRefused) {
  Handle(Read("1"));
  ConfigRead kept = Renewed("2");
  kept.bad_files = {{"/other.key", "it holds no private key"}};
  Handle(kept);
  EXPECT_THAT(Logged(), Contains(kLoaded));
  EXPECT_THAT(Logged(), Contains(kRefused));
  EXPECT_EQ(snapshots_, 2);
  Handle(kept);
  EXPECT_THAT(Logged(), Not(Contains(kRefused)));
}

TEST_F(CertificateTurnTest, WhatRunsIsRenewedWhileTheFileIsBad) {
  Handle(Read("1"));
  ConfigRead edit = Read("1");
  edit.config.reset();
  edit.digest = "edit";
  Handle(edit);
  ConfigRead renewed = Renewed("2");
  renewed.of_running = true;
  Handle(renewed);
  EXPECT_EQ(snapshots_, 2);
  renewed = Renewed("3");
  renewed.of_running = true;
  renewed.digest = "another life";
  Handle(renewed);
  EXPECT_EQ(snapshots_, 2);
}

TEST_F(CertificateTurnTest, AnEndThatComesNearIsToldByTheClockAlone) {
  Handle(Read("1", hours(24 * 10)));
  EXPECT_THAT(Logged(), Contains(kExpiring));  // 14 days.
  int expiring = 0;
  int expired = 0;
  const Instant end = now_ + hours(24 * 11);
  while (now_ < end) {
    now_ = std::min(loop_->NextDeadline(), end);
    Handle(TimerFired{});
    const std::vector<std::string> lines = Logged();
    expiring += static_cast<int>(std::count(lines.begin(), lines.end(), kExpiring));
    expired += static_cast<int>(std::count(lines.begin(), lines.end(), kExpired));
  }
  EXPECT_EQ(expiring, 2);  // 7 days and 1 day.
  EXPECT_EQ(expired, 1);
}

TEST_F(CertificateTurnTest, AnEndIsToldWhenItComesAndNotAnHourLater) {
  now_ += std::chrono::minutes(7);
  Handle(Read("1", hours(3)));
  const Instant end = Instant(hours(1)) + hours(3);
  while (now_ < end) {
    now_ = loop_->NextDeadline();
    Handle(TimerFired{});
    if (now_ < end) {
      EXPECT_THAT(Logged(), Not(Contains(kExpired)));
    }
  }
  EXPECT_EQ(now_, end);
  EXPECT_THAT(Logged(), Contains(kExpired));
}

TEST_F(CertificateTurnTest, RulesThatAreLeftOutAreNamed) {
  ConfigRead read = Refused();
  read.only_files = false;
  read.config.emplace();
  read.left_out.push_back(read.config->rules.emplace_back());
  read.left_out[0].name = "web";
  read.left_out[0].tls = TlsConfig{.certificates = {kPair}};
  read.config->rules.clear();
  Handle(read);
  EXPECT_THAT(Logged(), Contains("rules are left out until their files of TLS are good"));
  EXPECT_THAT(Logged(), Contains("a file of TLS is refused; what needs it is left out"));
  EXPECT_THAT(Logged(), Not(Contains(kRefused)));
  read.only_files = true;
  Handle(read);
  EXPECT_THAT(Logged(), IsEmpty());
  Handle(Renewed("1"));
  EXPECT_THAT(Logged(), Contains(kLoaded));
  EXPECT_EQ(snapshots_, 2);
}

TEST_F(CertificateTurnTest, HealthChecksUseWhatIsInForce) {
  const auto with_checks = [](ConfigRead read) {
    RuleConfig& rule = read.config->rules[0];
    rule.health_check.enabled = true;
    rule.health_check.tls.emplace();
    BackendConfig& backend = rule.backends.emplace_back();
    backend.name = "b";
    backend.address = Endpoint::FromIp("10.0.0.1", 443).value();
    return read;
  };
  // The id of the pair that the next check has at hand.
  const auto checks_with = [&] {
    while (true) {
      now_ = std::max(now_, loop_->NextDeadline());
      Handle(TimerFired{});
      for (const Action& action : actions_) {
        const auto* probe = std::get_if<StartProbe>(&action);
        if (probe == nullptr) continue;
        const std::string id = probe->tls->material->pairs.at(kPair).id;
        Handle(ProbeDone{probe->probe, true, "", {}});
        return id;
      }
    }
  };
  Handle(with_checks(Read("1")));
  EXPECT_EQ(checks_with(), "1");
  Handle(with_checks(Renewed("2")));
  EXPECT_EQ(checks_with(), "2");
  Handle(Refused());
  EXPECT_EQ(checks_with(), "2");
}

TEST_F(CertificateTurnTest, PrivateKeysAreInNoLogAndInNoStateFile) {
  for (const Event& event : std::vector<Event>{Read("1"), Renewed("2"), Refused()}) {
    Handle(event);
    for (const Action& action : actions_) {
      if (const auto* save = std::get_if<SaveState>(&action)) {
        EXPECT_THAT(save->bytes, Not(HasSubstr(kSecret)));
      }
      const auto* line = std::get_if<WriteLog>(&action);
      if (line == nullptr) continue;
      for (const auto& [name, value] : line->fields) EXPECT_THAT(value, Not(HasSubstr(kSecret)));
    }
  }
}

}  // namespace
}  // namespace lb::controlplane
