#include "controlplane/membership/usage_seal.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lb::controlplane::swim {
namespace {

const std::vector<std::string> kKeys{std::string(32, 'a'), std::string(16, 'b')};

constexpr Life kReceiver = 2;

std::string Seal(UsageSealer& sealer, const std::string& text) {
  return sealer.Seal(text, {kReceiver}).front();
}

TEST(UsageSealTest, WhatASenderSealsIsOpenedOnce) {
  UsageSealer sealer("lb-1", 7, kKeys, "prod");
  UsageOpener opener({kKeys[1], kKeys[0]}, "prod", kReceiver);
  UsageOpener::Opened opened;
  const std::string datagram = Seal(sealer, "hello");
  EXPECT_EQ(opener.Open(datagram, opened), UsageError::kSender) << "nobody said that it is there";
  opener.Expect("lb-1", 7);
  EXPECT_EQ(opener.Open(datagram, opened), UsageError::kNone);
  EXPECT_EQ(opened.name, "lb-1");
  EXPECT_EQ(opened.text, "hello");
  EXPECT_EQ(opener.Open(datagram, opened), UsageError::kReplay);
  EXPECT_EQ(datagram.find("hello"), std::string::npos);
}

TEST(UsageSealTest, DatagramsMayOvertakeEachOther) {
  UsageSealer sealer("lb-1", 7, kKeys, "");
  UsageOpener opener(kKeys, "", kReceiver);
  opener.Expect("lb-1", 7);
  std::vector<std::string> datagrams;
  for (int i = 0; i < 100; ++i) datagrams.push_back(Seal(sealer, "x"));
  UsageOpener::Opened opened;
  EXPECT_EQ(opener.Open(datagrams[70], opened), UsageError::kNone);
  EXPECT_EQ(opener.Open(datagrams[69], opened), UsageError::kNone);
  EXPECT_EQ(opener.Open(datagrams[7], opened), UsageError::kNone);
  EXPECT_EQ(opener.Open(datagrams[6], opened), UsageError::kReplay) << "too old to be known";
  EXPECT_EQ(opener.Open(datagrams[99], opened), UsageError::kNone);
  EXPECT_EQ(opener.Open(datagrams[69], opened), UsageError::kReplay);
}

TEST(UsageSealTest, EveryFlippedBitIsNoticed) {
  UsageSealer sealer("lb-1", 7, kKeys, "prod");
  const std::string datagram = Seal(sealer, "hello");
  for (size_t bit = 0; bit < datagram.size() * 8; ++bit) {
    UsageOpener opener(kKeys, "prod", kReceiver);
    opener.Expect("lb-1", 7);
    std::string flipped = datagram;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    UsageOpener::Opened opened;
    EXPECT_NE(opener.Open(flipped, opened), UsageError::kNone) << bit;
    EXPECT_EQ(opener.Open(datagram, opened), UsageError::kNone) << bit << ": it costs nothing";
  }
  UsageOpener opener(kKeys, "prod", kReceiver);
  opener.Expect("lb-1", 7);
  UsageOpener::Opened opened;
  for (size_t size = 0; size < datagram.size(); ++size)
    EXPECT_NE(opener.Open(datagram.substr(0, size), opened), UsageError::kNone) << size;
}

TEST(UsageSealTest, AnotherKeyLabelLifeOrSenderOpensNothing) {
  UsageSealer sealer("lb-1", 7, kKeys, "prod");
  UsageOpener::Opened opened;
  UsageOpener other_key({std::string(32, 'c')}, "prod", kReceiver);
  other_key.Expect("lb-1", 7);
  EXPECT_EQ(other_key.Open(Seal(sealer, "x"), opened), UsageError::kKey);
  UsageOpener other_label(kKeys, "test", kReceiver);
  other_label.Expect("lb-1", 7);
  EXPECT_EQ(other_label.Open(Seal(sealer, "x"), opened), UsageError::kKey);
  UsageOpener other_life(kKeys, "prod", kReceiver);
  other_life.Expect("lb-1", 8);
  EXPECT_EQ(other_life.Open(Seal(sealer, "x"), opened), UsageError::kSender);
  UsageOpener open({}, "prod", kReceiver);
  open.Expect("lb-1", 7);
  EXPECT_EQ(open.Open(Seal(sealer, "x"), opened), UsageError::kSealing);
  UsageSealer plain("lb-1", 7, {}, "prod");
  UsageOpener keyed(kKeys, "prod", kReceiver);
  keyed.Expect("lb-1", 7);
  EXPECT_EQ(keyed.Open(Seal(plain, "x"), opened), UsageError::kSealing);
}

TEST(UsageSealTest, WithoutAKeyItIsOpen) {
  UsageSealer sealer("lb-1", 7, {}, "");
  UsageOpener opener({}, "", kReceiver);
  opener.Expect("lb-1", 7);
  UsageOpener::Opened opened;
  EXPECT_EQ(opener.Open(Seal(sealer, "hello"), opened), UsageError::kNone);
  EXPECT_EQ(opened.text, "hello");
}

TEST(UsageSealTest, OfThoseForgottenTheLastOnesAreKnown) {
  UsageSealer sealer("lb-1", 7, kKeys, "");
  UsageOpener opener(kKeys, "", kReceiver);
  UsageOpener::Opened opened;
  opener.Expect("lb-1", 7);
  const std::string datagram = Seal(sealer, "x");
  EXPECT_EQ(opener.Open(datagram, opened), UsageError::kNone);
  opener.Forget("lb-1");
  for (size_t i = 1; i < UsageOpener::kMaxForgotten; ++i) {
    opener.Expect(std::to_string(i), 1);
    opener.Forget(std::to_string(i));
  }
  opener.Expect("lb-1", 7);
  EXPECT_EQ(opener.Open(datagram, opened), UsageError::kReplay);
}

TEST(UsageSealTest, WhatStrangersCountedInTheOpenHoldsNothingUp) {
  UsageOpener opener({}, "", kReceiver);
  opener.Expect("lb-1", 7);
  UsageSealer stranger("lb-1", 7, {}, "", UINT64_MAX - 1);
  UsageOpener::Opened opened;
  EXPECT_EQ(opener.Open(Seal(stranger, "x"), opened), UsageError::kNone);
  opener.SetKeys(kKeys);
  UsageSealer sealer("lb-1", 7, kKeys, "");
  EXPECT_EQ(opener.Open(Seal(sealer, "x"), opened), UsageError::kNone);
}

}  // namespace
}  // namespace lb::controlplane::swim
