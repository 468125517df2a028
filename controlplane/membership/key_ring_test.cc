#include "controlplane/membership/key_ring.h"

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace lb::controlplane::swim {
namespace {

constexpr KeyRing::Nonce kNonce{1, 2, 3};

std::string Key(char byte, size_t bytes = 16) { return std::string(bytes, byte); }

KeyRing Ring(const std::vector<std::string>& keys) { return KeyRing::Make(keys).value(); }

TEST(KeyRingTest, OpensWhatItSealedWithKeysOfEveryLength) {
  for (const size_t bytes : {16u, 24u, 32u}) {
    SCOPED_TRACE(bytes);
    const KeyRing ring = Ring({Key('k', bytes)});
    const std::string sealed = ring.Seal(kNonce, "hello", "to whom");
    EXPECT_EQ(sealed.size(), 5 + KeyRing::kOverhead);
    EXPECT_EQ(ring.Open(sealed, "to whom"), "hello");
    EXPECT_EQ(ring.Open(sealed, "to another"), std::nullopt);
  }
}

TEST(KeyRingTest, SealsNothingAsWell) {
  const KeyRing ring = Ring({Key('k')});
  EXPECT_EQ(ring.Open(ring.Seal(kNonce, "", ""), ""), "");
}

TEST(KeyRingTest, SealsWithTheFirstKeyAndOpensWithAny) {
  const KeyRing old_only = Ring({Key('o')});
  const KeyRing old_first = Ring({Key('o'), Key('n', 32)});
  const KeyRing new_first = Ring({Key('n', 32), Key('o')});
  const KeyRing new_only = Ring({Key('n', 32)});
  const std::string by_old = old_first.Seal(kNonce, "x", "");
  const std::string by_new = new_first.Seal(kNonce, "x", "");
  EXPECT_EQ(old_only.Open(by_old, ""), "x");
  EXPECT_EQ(new_first.Open(by_old, ""), "x");
  EXPECT_EQ(old_first.Open(by_new, ""), "x");
  EXPECT_EQ(new_only.Open(by_old, ""), std::nullopt);
  EXPECT_EQ(old_only.Open(by_new, ""), std::nullopt);
}

TEST(KeyRingTest, CopiesOutliveTheOriginal) {
  KeyRing copy;
  EXPECT_TRUE(copy.empty());
  {
    const KeyRing original = Ring({Key('k')});
    copy = original;
  }
  EXPECT_FALSE(copy.empty());
  EXPECT_EQ(copy.Open(copy.Seal(kNonce, "x", ""), ""), "x");
}

TEST(KeyRingTest, WithoutKeysOpensNothing) {
  const KeyRing none = Ring({});
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.Open(Ring({Key('k')}).Seal(kNonce, "x", ""), ""), std::nullopt);
}

TEST(KeyRingTest, OpensOnlyVersionOneThatIsLongEnough) {
  const KeyRing ring = Ring({Key('k')});
  std::string sealed = ring.Seal(kNonce, "", "");
  EXPECT_EQ(ring.Open(std::string_view(sealed).substr(0, sealed.size() - 1), ""), std::nullopt);
  EXPECT_EQ(ring.Open("", ""), std::nullopt);
  sealed[0] = 0;
  EXPECT_EQ(ring.Open(sealed, ""), std::nullopt);
}

TEST(KeyRingTest, RefusesBadKeysByTheirPlaceAndNeverShowsThem) {
  const auto message = [](const std::vector<std::string>& keys) {
    const absl::Status status = KeyRing::Make(keys).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status));
    return std::string(status.message());
  };
  EXPECT_EQ(message({Key('a'), Key('s', 17)}), "key 2 has 17 bytes, not 16, 24 or 32");
  EXPECT_EQ(message({""}), "key 1 has 0 bytes, not 16, 24 or 32");
  EXPECT_EQ(message({Key('a'), Key('b'), Key('a')}), "key 3 is the same as key 1");
  EXPECT_EQ(message({Key('a'), Key('b'), Key('c'), Key('d'), Key('e')}),
            "5 keys, more than the 4 that can be used");
}

}  // namespace
}  // namespace lb::controlplane::swim
