#include "controlplane/membership/host_channel.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lb::controlplane {
namespace {

const swim::Address kA{{'\x0a', '\0', '\0', '\1'}, 7'947};
const swim::Address kB{{'\x0a', '\0', '\0', '\2'}, 7'947};
const std::vector<std::string> kKeys{std::string(32, 'k')};

HostChannel::Self SelfOf(const std::string& name) { return {name, 7, "", kKeys}; }

class HostChannelTest : public testing::Test {
 protected:
  HostChannelTest() {
    a_.SetSelf(SelfOf("a"));
    b_.SetSelf(SelfOf("b"));
    b_.SetHosts({{"a", kA, 7}});
  }
  uint64_t Refused(swim::UsageError error) const {
    return b_.counters().refused[static_cast<size_t>(error)];
  }

  HostChannel a_;
  HostChannel b_;
  std::vector<HostChannel::Datagram> sent_;
};

TEST_F(HostChannelTest, WhatIsSaidArrivesWithTheSendersName) {
  a_.SetHosts({{"b", kB, 7}, {"c", kA, 7}});
  a_.ToOne("b", "\x10 slots", sent_);
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0].to, kB);
  const auto word = b_.Open(sent_[0].bytes);
  ASSERT_TRUE(word);
  EXPECT_EQ(word->host, "a");
  EXPECT_EQ(word->kind(), HostWordKind::kSlots);
  EXPECT_EQ(word->text, "\x10 slots");
}

TEST_F(HostChannelTest, AllAreToldTheSameButNoneCanOpenAnothersBytes) {
  a_.SetHosts({{"b", kB, 7}, {"c", kA, 9}});
  HostChannel c;
  c.SetSelf(HostChannel::Self{"c", 9, "", kKeys});
  c.SetHosts({{"a", kA, 7}});
  a_.ToAll("x", sent_);
  ASSERT_EQ(sent_.size(), 2u);
  EXPECT_FALSE(b_.Open(sent_[1].bytes));
  EXPECT_EQ(Refused(swim::UsageError::kKey), 1u);
  EXPECT_TRUE(b_.Open(sent_[0].bytes));
  EXPECT_TRUE(c.Open(sent_[1].bytes));
  EXPECT_EQ(a_.counters().sent, 2u);
  EXPECT_EQ(a_.counters().sent_bytes, 2 * sent_[0].bytes.size());
}

TEST_F(HostChannelTest, NobodyIsToldWhereNobodyIs) {
  a_.ToAll("x", sent_);
  a_.ToOne("b", "x", sent_);
  EXPECT_TRUE(sent_.empty());
}

TEST_F(HostChannelTest, AnEmptyWordAndOneThatComesTwiceAreCounted) {
  a_.SetHosts({{"b", kB, 7}});
  a_.ToAll("", sent_);
  a_.ToAll("x", sent_);
  EXPECT_FALSE(b_.Open(sent_[0].bytes));
  EXPECT_EQ(Refused(swim::UsageError::kMalformed), 1u);
  EXPECT_TRUE(b_.Open(sent_[1].bytes));
  EXPECT_FALSE(b_.Open(sent_[1].bytes));
  EXPECT_EQ(Refused(swim::UsageError::kReplay), 1u);
}

TEST_F(HostChannelTest, WhoIsForgottenIsNotHeard) {
  a_.SetHosts({{"b", kB, 7}});
  a_.ToAll("x", sent_);
  b_.Forget("a");
  EXPECT_FALSE(b_.Open(sent_[0].bytes));
  EXPECT_EQ(Refused(swim::UsageError::kSender), 1u);
}

TEST_F(HostChannelTest, WhoComesBackInTheSameLifeIsHeardAndSealsNothingTheSameWay) {
  a_.SetHosts({{"b", kB, 7}});
  a_.ToAll("x", sent_);
  EXPECT_TRUE(b_.Open(sent_[0].bytes));
  a_.SetSelf(std::nullopt);
  a_.SetSelf(SelfOf("a"));
  a_.SetHosts({{"b", kB, 7}});
  a_.ToAll("x", sent_);
  EXPECT_NE(sent_[1].bytes, sent_[0].bytes);
  EXPECT_TRUE(b_.Open(sent_[1].bytes));
}

TEST_F(HostChannelTest, AnotherNameBeginsAnewAndOtherKeysDoNot) {
  a_.SetHosts({{"b", kB, 7}});
  HostChannel::Self self = SelfOf("a");
  self.keys.push_back(std::string(16, 'n'));
  EXPECT_FALSE(a_.SetSelf(self));
  EXPECT_EQ(a_.hosts().size(), 1u);
  self.name = "d";
  EXPECT_TRUE(a_.SetSelf(self));
  EXPECT_TRUE(a_.hosts().empty());
  EXPECT_TRUE(a_.SetSelf(std::nullopt));
  EXPECT_EQ(a_.self(), nullptr);
}

TEST_F(HostChannelTest, WhatWasRecordedIsNoGoodForAReceiverThatStartedAgain) {
  a_.SetHosts({{"b", kB, 7}});
  a_.ToAll("x", sent_);
  EXPECT_TRUE(b_.Open(sent_[0].bytes));
  HostChannel again;
  again.SetSelf(HostChannel::Self{"b", 8, "", kKeys});
  again.SetHosts({{"a", kA, 7}});
  EXPECT_FALSE(again.Open(sent_[0].bytes));
  a_.SetHosts({{"b", kB, 8}});
  a_.ToAll("x", sent_);
  EXPECT_TRUE(again.Open(sent_[1].bytes));
}

TEST_F(HostChannelTest, WhatWasTakenIsNotTakenAgainWhoeverWasGoneInBetween) {
  a_.SetHosts({{"b", kB, 7}});
  a_.ToAll("x", sent_);
  EXPECT_TRUE(b_.Open(sent_[0].bytes));
  b_.Forget("a");
  b_.SetHosts({});
  b_.SetHosts({{"a", kA, 7}});
  EXPECT_FALSE(b_.Open(sent_[0].bytes)) << "the sender";
  b_.SetHosts({{"a", kA, 8}});
  b_.SetHosts({{"a", kA, 7}});
  EXPECT_FALSE(b_.Open(sent_[0].bytes)) << "its life";
  b_.SetSelf(std::nullopt);
  b_.SetSelf(SelfOf("b"));
  b_.SetHosts({{"a", kA, 7}});
  EXPECT_FALSE(b_.Open(sent_[0].bytes)) << "the receiver";
  HostChannel::Self open = SelfOf("b");
  open.keys.clear();
  b_.SetSelf(open);
  b_.SetSelf(SelfOf("b"));
  EXPECT_FALSE(b_.Open(sent_[0].bytes)) << "the key";
  EXPECT_EQ(Refused(swim::UsageError::kReplay), 4u);
  a_.ToAll("x", sent_);
  EXPECT_TRUE(b_.Open(sent_[1].bytes));
}

}  // namespace
}  // namespace lb::controlplane
