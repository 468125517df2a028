#include "controlplane/membership/lzw.h"

#include <sstream>

#include "controlplane/membership/lzw_encoder.h"
#include "controlplane/membership/test_vectors.h"
#include "gtest/gtest.h"

namespace lb::controlplane::swim {
namespace {

constexpr size_t kMuch = 1 << 20;

// Codes put together by hand.
class Codes {
 public:
  void Put(uint32_t code, uint32_t width) {
    for (uint32_t i = 0; i < width; ++i, ++count_) {
      if (count_ % 8 == 0) bytes_.push_back('\0');
      const uint32_t bit = (code >> i & 1) << count_ % 8;
      bytes_.back() = static_cast<char>(static_cast<uint8_t>(bytes_.back()) | bit);
    }
  }

  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  uint32_t count_ = 0;  // Bits.
};

TEST(LzwTest, UnpacksWhatGoPacked) {
  const std::string plain = ReadVectorFile("lzw-in-60002.bin");
  const std::string packed = ReadVectorFile("lzw-out-60002.bin");
  ASSERT_EQ(plain.size(), 60002u);
  EXPECT_EQ(LzwUnpack(packed, plain.size()), plain);
  EXPECT_EQ(LzwPack(plain), packed);
}

TEST(LzwTest, UnpacksAnyLength) {
  std::istringstream lines(ReadVectorFile("lzw-small.txt"));
  size_t length = 0;
  std::string hex;
  int count = 0;
  while (lines >> length >> hex) {
    SCOPED_TRACE(length);
    std::string plain;
    for (size_t i = 0; i < length; ++i) {
      plain.push_back(static_cast<char>(7 * i + 13 * (i / 256)));
    }
    EXPECT_EQ(LzwUnpack(FromHex(hex), length), plain);
    EXPECT_EQ(LzwPack(plain), FromHex(hex));
    ++count;
  }
  EXPECT_GT(count, 10);
}

TEST(LzwTest, UnpacksNoMoreThanIsTaken) {
  const std::string packed = LzwPack(std::string(kMuch, 'x'));
  EXPECT_LT(packed.size(), kMuch / 100);
  EXPECT_EQ(LzwUnpack(packed, kMuch), std::string(kMuch, 'x'));
  EXPECT_EQ(LzwUnpack(packed, kMuch - 1), std::nullopt);
}

TEST(LzwTest, RefusesWhatIsCut) {
  const std::string packed = LzwPack("what is cut has no end code");
  for (size_t length = 0; length < packed.size(); ++length) {
    SCOPED_TRACE(length);
    EXPECT_EQ(LzwUnpack(packed.substr(0, length), kMuch), std::nullopt);
  }
}

TEST(LzwTest, RefusesACodeWithoutMeaning) {
  Codes none;  // There is no string yet.
  none.Put(lzw::kClear, 9);
  none.Put(258, 9);
  none.Put(lzw::kEnd, 9);
  EXPECT_EQ(LzwUnpack(none.bytes(), kMuch), std::nullopt);

  Codes ahead;
  ahead.Put(lzw::kClear, 9);
  ahead.Put('a', 9);
  ahead.Put(259, 9);
  ahead.Put(lzw::kEnd, 9);
  EXPECT_EQ(LzwUnpack(ahead.bytes(), kMuch), std::nullopt);
}

// The table is full when no clear code comes; nothing is added to it then.
TEST(LzwTest, GoesOnWithAFullTable) {
  Codes codes;
  codes.Put(lzw::kClear, 9);
  uint32_t highest = lzw::kEnd;
  uint32_t width = lzw::kMinWidth;
  constexpr uint32_t kLast = 4095;
  constexpr int kLiterals = 5000;
  for (int i = 0; i < kLiterals; ++i) {
    codes.Put('a', width);
    if (highest < kLast && ++highest == 1u << width) ++width;
  }
  codes.Put(kLast, width);  // The last string that was added: two letters.
  codes.Put(lzw::kEnd, width);
  EXPECT_EQ(LzwUnpack(codes.bytes(), kMuch), std::string(kLiterals + 2, 'a'));
}

}  // namespace
}  // namespace lb::controlplane::swim
