#include "controlplane/snapshot/versions.h"

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

EncodedSnapshot Content(char c) { return {std::string(1, c), std::string(32, c)}; }

TEST(VersionsTest, TheEpochIsOneMoreThanTheStoredOneAndTheRevisionGoesOn) {
  type::v1::ConfigVersion stored;
  stored.set_epoch(4);
  stored.set_revision(9);
  stored.set_digest(std::string(32, 'a'));
  Versions versions(stored);
  EXPECT_TRUE(versions.SetContent(Content('a')));
  EXPECT_EQ(versions.current().epoch(), 5u);
  EXPECT_EQ(versions.current().revision(), 9u);
  EXPECT_TRUE(versions.SetContent(Content('b')));
  EXPECT_EQ(versions.current().revision(), 10u);
}

TEST(VersionsTest, UnchangedContentIsNoNewVersion) {
  Versions versions{type::v1::ConfigVersion()};
  EXPECT_TRUE(versions.SetContent(Content('a')));
  EXPECT_FALSE(versions.SetContent(Content('a')));
  EXPECT_EQ(versions.current().revision(), 1u);
}

TEST(VersionsTest, AForeignVersionRaisesTheEpochAndOneOfOursDoesNot) {
  Versions versions{type::v1::ConfigVersion()};
  versions.SetContent(Content('a'));
  EXPECT_FALSE(versions.Observe(versions.current()));
  type::v1::ConfigVersion foreign = versions.current();
  foreign.set_digest(std::string(32, 'x'));
  EXPECT_TRUE(versions.Observe(foreign));
  EXPECT_EQ(versions.current().epoch(), foreign.epoch() + 1);
  foreign.set_epoch(70);
  EXPECT_TRUE(versions.Observe(foreign));
  EXPECT_EQ(versions.current().epoch(), 71u);
  EXPECT_EQ(versions.current().revision(), 1u);
  foreign.set_epoch(3);
  EXPECT_FALSE(versions.Observe(foreign));
}

TEST(VersionsTest, TheEpochNeverPassesTheLargestThatAHelloMayName) {
  Versions versions{type::v1::ConfigVersion()};
  versions.SetContent(Content('a'));
  type::v1::ConfigVersion foreign = versions.current();
  foreign.set_epoch(Versions::kEpochMax);
  EXPECT_TRUE(versions.Observe(foreign));
  EXPECT_EQ(versions.current().epoch(), Versions::kEpochMax);
  foreign.set_digest(std::string(32, 'x'));
  EXPECT_FALSE(versions.Observe(foreign));
  EXPECT_EQ(Versions(versions.current()).to_store().epoch(), Versions::kEpochMax);
}

}  // namespace
}  // namespace lb::controlplane
