#include "dataplane/control/snapshot_receiver.h"

#include <string>

#include "base/sha256.h"
#include "dataplane/snapshot/build_tables.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

using lb::worker::v1::SnapshotPart;
using Outcome = SnapshotReceiver::Received::Outcome;

const std::string kWhole = "a snapshot of some bytes";

SnapshotPart Part(uint64_t revision, size_t offset, const std::string& data) {
  SnapshotPart part;
  part.mutable_version()->set_epoch(1);
  part.mutable_version()->set_revision(revision);
  part.mutable_version()->set_digest(Sha256(kWhole));
  part.set_total_bytes(kWhole.size());
  part.set_offset(offset);
  part.set_data(data);
  return part;
}

TEST(SnapshotReceiverTest, PartsInOrderGiveTheWhole) {
  SnapshotReceiver receiver;
  EXPECT_FALSE(receiver.Take(Part(1, 0, kWhole.substr(0, 5))).value().has_value());
  EXPECT_FALSE(receiver.Take(Part(1, 5, kWhole.substr(5, 5))).value().has_value());
  const auto received = receiver.Take(Part(1, 10, kWhole.substr(10))).value();
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->outcome, Outcome::kComplete);
  EXPECT_EQ(received->bytes, kWhole);
}

TEST(SnapshotReceiverTest, AnEmptySnapshotIsOneEmptyPart) {
  SnapshotPart part = Part(1, 0, "");
  part.set_total_bytes(0);
  part.mutable_version()->set_digest(Sha256(""));
  SnapshotReceiver receiver;
  const auto received = receiver.Take(part).value();
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->outcome, Outcome::kComplete);
}

TEST(SnapshotReceiverTest, ANewerVersionReplacesTheOneUnderWay) {
  SnapshotReceiver receiver;
  ASSERT_TRUE(receiver.Take(Part(1, 0, kWhole.substr(0, 5))).ok());
  const auto received = receiver.Take(Part(2, 0, kWhole)).value();
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->version.revision(), 2u);
  EXPECT_FALSE(receiver.Take(Part(1, 5, kWhole.substr(5))).ok());
}

TEST(SnapshotReceiverTest, OtherBytesThanTheDigestSaysAreNotKept) {
  std::string other = kWhole;
  other[0] = 'b';
  SnapshotReceiver receiver;
  const auto received = receiver.Take(Part(1, 0, other)).value();
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->outcome, Outcome::kDigestMismatch);
  EXPECT_TRUE(received->bytes.empty());
}

TEST(SnapshotReceiverTest, AboveTheBoundNothingIsKept) {
  SnapshotReceiver receiver;
  SnapshotPart part = Part(1, 0, std::string(SnapshotReceiver::kMaxPartBytes, 'x'));
  const uint64_t parts = kMaxSnapshotBytes / SnapshotReceiver::kMaxPartBytes + 1;
  part.set_total_bytes(parts * SnapshotReceiver::kMaxPartBytes);
  for (uint64_t i = 0; i + 1 < parts; ++i) {
    part.set_offset(i * SnapshotReceiver::kMaxPartBytes);
    ASSERT_FALSE(receiver.Take(part).value().has_value());
  }
  part.set_offset((parts - 1) * SnapshotReceiver::kMaxPartBytes);
  const auto received = receiver.Take(part).value();
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->outcome, Outcome::kTooLarge);
}

TEST(SnapshotReceiverTest, PartsThatBreakTheContractAreErrors) {
  EXPECT_FALSE(SnapshotReceiver().Take(Part(1, 5, "x")).ok());           // Without a beginning.
  EXPECT_FALSE(SnapshotReceiver().Take(Part(1, 0, "")).ok());            // No progress.
  EXPECT_FALSE(SnapshotReceiver().Take(Part(1, 0, kWhole + "x")).ok());  // Beyond the end.
  SnapshotReceiver receiver;
  ASSERT_TRUE(receiver.Take(Part(1, 0, kWhole.substr(0, 5))).ok());
  EXPECT_FALSE(receiver.Take(Part(1, 6, kWhole.substr(6))).ok());  // A gap.
  SnapshotPart short_digest = Part(1, 0, kWhole);
  short_digest.mutable_version()->set_digest("short");
  EXPECT_FALSE(SnapshotReceiver().Take(short_digest).ok());
  SnapshotPart large = Part(1, 0, std::string(SnapshotReceiver::kMaxPartBytes + 1, 'x'));
  large.set_total_bytes(2 * SnapshotReceiver::kMaxPartBytes);
  EXPECT_FALSE(SnapshotReceiver().Take(large).ok());
}

}  // namespace
}  // namespace lb::dataplane
