// Keys that orders change, and what becomes of them when the configuration changes.
#include "controlplane/membership/ordered_keys.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lb::controlplane::swim {
namespace {

const std::string kA(16, 'a');
const std::string kB(24, 'b');
const std::string kC(32, 'c');
using Keys = std::vector<std::string>;

class OrderedKeysTest : public testing::Test {
 protected:
  OrderedKeysTest() { keys_.SetConfigured({kA}); }

  absl::StatusCode Order(KeyVerb verb, const std::string& key) {
    return keys_.CarryOut(verb, key).code();
  }

  OrderedKeys keys_;
};

TEST_F(OrderedKeysTest, AKeyIsAddedUsedAndTheOldOneRemoved) {
  EXPECT_FALSE(keys_.differ());
  EXPECT_EQ(Order(KeyVerb::kAdd, kB), absl::StatusCode::kOk);
  EXPECT_EQ(Order(KeyVerb::kAdd, kB), absl::StatusCode::kOk) << "it is there already";
  EXPECT_EQ(keys_.keys(), (Keys{kA, kB}));
  EXPECT_TRUE(keys_.differ());
  EXPECT_EQ(Order(KeyVerb::kUse, kB), absl::StatusCode::kOk);
  EXPECT_EQ(keys_.keys(), (Keys{kB, kA}));
  EXPECT_EQ(Order(KeyVerb::kRemove, kA), absl::StatusCode::kOk);
  EXPECT_EQ(Order(KeyVerb::kRemove, kA), absl::StatusCode::kOk) << "it is gone already";
  EXPECT_EQ(keys_.keys(), Keys{kB});
}

TEST_F(OrderedKeysTest, WhatWouldCutMembersOffIsRefused) {
  EXPECT_EQ(Order(KeyVerb::kUse, kB), absl::StatusCode::kNotFound);
  EXPECT_EQ(Order(KeyVerb::kRemove, kA), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Order(KeyVerb::kAdd, "short"), absl::StatusCode::kInvalidArgument);
  for (const char more : {'x', 'y', 'z'})
    EXPECT_EQ(Order(KeyVerb::kAdd, std::string(16, more)), absl::StatusCode::kOk);
  EXPECT_EQ(Order(KeyVerb::kAdd, kB), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(keys_.keys().size(), 4u);
}

TEST_F(OrderedKeysTest, AnOpenClusterHasNoKeysToChange) {
  OrderedKeys open;
  open.SetConfigured({});
  for (const KeyVerb verb : {KeyVerb::kList, KeyVerb::kAdd, KeyVerb::kUse, KeyVerb::kRemove})
    EXPECT_EQ(open.CarryOut(verb, kA).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(OrderedKeysTest, ARestartKeepsThemAsLongAsTheConfigurationIsAsItWas) {
  Order(KeyVerb::kAdd, kB);
  Order(KeyVerb::kUse, kB);
  OrderedKeys after;
  after.Restore(keys_.ToStore());
  EXPECT_FALSE(after.SetConfigured({kA}));
  EXPECT_EQ(after.keys(), (Keys{kB, kA}));
  EXPECT_TRUE(after.differ());
  EXPECT_FALSE(after.SetConfigured({kA})) << "a reload";
  EXPECT_EQ(after.keys(), (Keys{kB, kA}));
  EXPECT_EQ(after.ToStore().keys, (Keys{kB, kA}));
}

TEST_F(OrderedKeysTest, AnEditWins) {
  Order(KeyVerb::kAdd, kB);
  EXPECT_TRUE(keys_.SetConfigured({kC}));
  EXPECT_EQ(keys_.keys(), Keys{kC});
  EXPECT_TRUE(keys_.ToStore().keys.empty());

  OrderedKeysTest::keys_ = OrderedKeys();
  keys_.SetConfigured({kA});
  Order(KeyVerb::kAdd, kB);
  OrderedKeys after;
  after.Restore(keys_.ToStore());
  EXPECT_TRUE(after.SetConfigured({kC})) << "edited while nothing ran";
  EXPECT_EQ(after.keys(), Keys{kC});
}

TEST_F(OrderedKeysTest, AFileThatIsBroughtUpToDateDropsNothing) {
  Order(KeyVerb::kAdd, kB);
  EXPECT_FALSE(keys_.SetConfigured({kA, kB}));
  EXPECT_FALSE(keys_.differ());
  EXPECT_EQ(keys_.keys(), (Keys{kA, kB}));
}

TEST_F(OrderedKeysTest, ADamagedRingIsNotTaken) {
  OrderedKeys after;
  Order(KeyVerb::kAdd, kB);
  OrderedKeys::Stored stored = keys_.ToStore();
  stored.keys.push_back("short");
  after.Restore(stored);
  after.SetConfigured({kA});
  EXPECT_EQ(after.keys(), Keys{kA});
}

TEST(KeyMarkTest, SaysWhichKeyItIsAndNotTheKey) {
  EXPECT_EQ(MarkOf(kA).fingerprint.size(), kFingerprintDigits);
  EXPECT_EQ(MarkOf(kB).bytes, 24u);
  EXPECT_NE(MarkOf(kA).fingerprint, MarkOf(kB).fingerprint);
}

}  // namespace
}  // namespace lb::controlplane::swim
