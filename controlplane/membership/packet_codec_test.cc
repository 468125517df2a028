#include "controlplane/membership/packet_codec.h"

#include "controlplane/membership/lzw_encoder.h"
#include "controlplane/membership/message_codec.h"
#include "controlplane/membership/messages.h"
#include "gtest/gtest.h"

namespace lb::controlplane::swim {
namespace {

constexpr KeyRing::Nonce kNonce{9, 8, 7};

const std::string kPing = Encode(Ping{.seq_no = 1, .node = "a", .source_node = "somebody else"});
const std::string kNack = Encode(Nack{.seq_no = 2});
const std::string kUser = Encode(User{.payload = "hello"});
const std::vector<std::string> kParts = {kPing, kNack, kUser};

KeyRing Ring(char byte) { return KeyRing::Make({std::string(32, byte)}).value(); }

struct Opened {
  WireError error = WireError::kNone;
  std::vector<std::string> parts;
};

Opened Open(const PacketCodec& codec, std::string_view datagram) {
  Opened opened;
  opened.parts = {"of an earlier one"};
  opened.error = codec.Open(datagram, opened.parts);
  EXPECT_EQ(opened.parts.empty(), opened.error != WireError::kNone);
  return opened;
}

WireError ErrorOf(const PacketCodec& codec, std::string_view datagram) {
  return Open(codec, datagram).error;
}

const PacketCodec kPlain("", {});
const PacketCodec kSealed("", Ring('k'));

TEST(PacketCodecTest, OpensWhatItSealedInAllLayers) {
  for (const char* const label : {"", "prod"}) {
    for (const KeyRing& ring : {KeyRing(), Ring('k')}) {
      for (const bool checksum : {false, true}) {
        for (const std::vector<std::string>& parts : {kParts, {kUser}}) {
          const PacketCodec codec(label, ring);
          const std::string datagram = codec.Seal(parts, checksum, kNonce);
          EXPECT_EQ(Open(codec, datagram).parts, parts);
          const std::string bare = kPlain.Seal(parts, checksum, kNonce);
          EXPECT_EQ(datagram.size(), bare.size() + codec.overhead());
        }
      }
    }
  }
}

TEST(PacketCodecTest, TakesOnlyItsOwnLabel) {
  const PacketCodec prod("prod", {});
  const std::string datagram = prod.Seal(kParts, false, kNonce);
  EXPECT_EQ(ErrorOf(prod, datagram), WireError::kNone);
  EXPECT_EQ(ErrorOf(PacketCodec("test", {}), datagram), WireError::kLabel);
  EXPECT_EQ(ErrorOf(PacketCodec("produ", {}), datagram), WireError::kLabel);
  EXPECT_EQ(ErrorOf(PacketCodec("pro", {}), datagram), WireError::kLabel);
  EXPECT_EQ(ErrorOf(kPlain, datagram), WireError::kLabel);
  EXPECT_EQ(ErrorOf(prod, kPlain.Seal(kParts, false, kNonce)), WireError::kLabel);
  for (const size_t length : {0u, 1u, 2u, 5u}) {
    EXPECT_EQ(ErrorOf(prod, datagram.substr(0, length)), WireError::kLabel) << length;
  }
  const std::string no_length = std::string("\xf4") + '\0' + kNack;
  EXPECT_EQ(ErrorOf(prod, no_length), WireError::kLabel);
  EXPECT_EQ(ErrorOf(kPlain, no_length), WireError::kLabel);
}

// A label is no secret, and whoever takes one off must not pass for somebody else.
TEST(PacketCodecTest, TheLabelIsSealedToo) {
  const PacketCodec prod("prod", Ring('k'));
  const std::string datagram = prod.Seal(kParts, false, kNonce);
  EXPECT_EQ(ErrorOf(kSealed, datagram.substr(6)), WireError::kKey);
  EXPECT_EQ(ErrorOf(PacketCodec("prox", Ring('k')), "\xf4\x04prox" + datagram.substr(6)),
            WireError::kKey);
}

TEST(PacketCodecTest, SaysWhyAKeyDoesNotFit) {
  const std::string sealed = kSealed.Seal(kParts, true, kNonce);
  EXPECT_EQ(ErrorOf(PacketCodec("", Ring('x')), sealed), WireError::kKey);
  EXPECT_EQ(ErrorOf(kPlain, sealed), WireError::kSealed);
  for (const std::string& part : {kPing, kNack, kUser, Encode(IndirectPing{})}) {
    EXPECT_EQ(ErrorOf(kSealed, part), WireError::kPlaintext);
  }
  EXPECT_EQ(ErrorOf(kSealed, kPlain.Seal(kParts, false, kNonce)), WireError::kPlaintext);
  EXPECT_EQ(ErrorOf(kSealed, kPlain.Seal(kParts, true, kNonce)), WireError::kPlaintext);
  EXPECT_EQ(ErrorOf(kSealed, ""), WireError::kPlaintext);
  std::string padded = sealed;
  padded[0] = 0;
  EXPECT_EQ(ErrorOf(kSealed, padded), WireError::kSealed);
}

TEST(PacketCodecTest, RefusesASealedDatagramWithAnyBitFlipped) {
  const PacketCodec codec("prod", Ring('k'));
  const std::string datagram = codec.Seal(kParts, true, kNonce);
  for (size_t i = 0; i < datagram.size() * 8; ++i) {
    std::string flipped = datagram;
    flipped[i / 8] = static_cast<char>(static_cast<uint8_t>(flipped[i / 8]) ^ (1u << i % 8));
    EXPECT_NE(ErrorOf(codec, flipped), WireError::kNone) << "bit " << i;
  }
}

TEST(PacketCodecTest, RefusesASealedDatagramThatIsCut) {
  const std::string datagram = kSealed.Seal(kParts, true, kNonce);
  for (size_t length = 1; length < datagram.size(); ++length) {
    EXPECT_EQ(ErrorOf(kSealed, datagram.substr(0, length)), WireError::kKey) << length;
  }
  EXPECT_EQ(ErrorOf(kSealed, datagram + "x"), WireError::kKey);
}

TEST(PacketCodecTest, ChecksTheChecksum) {
  const std::string datagram = kPlain.Seal(kParts, true, kNonce);
  for (size_t i = 1; i < datagram.size(); ++i) {
    std::string flipped = datagram;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    EXPECT_EQ(ErrorOf(kPlain, flipped), WireError::kChecksum) << "byte " << i;
  }
  for (size_t length = 1; length < datagram.size(); ++length) {
    EXPECT_EQ(ErrorOf(kPlain, datagram.substr(0, length)), WireError::kChecksum) << length;
  }
}

TEST(PacketCodecTest, KeepsWhatCameBeforeTheCut) {
  const std::string datagram = kPlain.Seal(kParts, false, kNonce);
  const size_t bodies = 2 + 2 * kParts.size();
  for (size_t length = 1; length < datagram.size(); ++length) {
    SCOPED_TRACE(length);
    std::vector<std::string> whole;
    size_t end = bodies;
    for (const std::string& part : kParts) {
      end += part.size();
      if (end <= length) whole.push_back(part);
    }
    const Opened opened = Open(kPlain, datagram.substr(0, length));
    EXPECT_EQ(opened.parts, whole);
    EXPECT_EQ(opened.error, whole.empty() ? WireError::kCompound : WireError::kNone);
  }
}

TEST(PacketCodecTest, RefusesACompoundWithNothingInIt) {
  EXPECT_EQ(ErrorOf(kPlain, std::string("\x07\x00", 2)), WireError::kCompound);
  const std::string empty_part = std::string("\x07\x02\x00\x09\x00\x00", 6) + kNack;
  EXPECT_EQ(ErrorOf(kPlain, empty_part), WireError::kCompound);
}

TEST(PacketCodecTest, UnpacksOnceAndInOnePlaceOnly) {
  const std::string compound = kPlain.Seal(kParts, false, kNonce);
  const std::string packed = Compressed(compound);
  EXPECT_EQ(Open(kPlain, packed).parts, kParts);
  EXPECT_EQ(Open(kPlain, kPlain.Seal({packed}, true, kNonce)).parts, kParts);
  // What is inside of it, or of a compound, is a message or nothing.
  Message message;
  for (const std::string& inner : {packed, kPlain.Seal(kParts, true, kNonce)}) {
    for (const std::string& outer :
         {Compressed(inner), kPlain.Seal({kNack, inner}, false, kNonce)}) {
      const Opened opened = Open(kPlain, outer);
      ASSERT_EQ(opened.error, WireError::kNone);
      EXPECT_EQ(Decode(opened.parts.back(), message), WireError::kType);
    }
  }
  const Opened opened = Open(kPlain, kPlain.Seal({kNack, compound}, false, kNonce));
  ASSERT_EQ(opened.parts.size(), 2u);
  EXPECT_EQ(Decode(opened.parts[1], message), WireError::kType);
}

TEST(PacketCodecTest, UnpacksNoMoreThanADatagramHolds) {
  const std::string fits(kMaxDatagram, '\x08');
  EXPECT_EQ(Open(kPlain, Compressed(fits)).parts, std::vector<std::string>{fits});
  EXPECT_EQ(ErrorOf(kPlain, Compressed(fits + "x")), WireError::kCompression);
}

TEST(PacketCodecTest, RefusesWhatCannotBeUnpacked) {
  std::string packed = Compressed(kUser);
  EXPECT_EQ(ErrorOf(kPlain, "\x09"), WireError::kCompression);
  EXPECT_EQ(ErrorOf(kPlain, packed.substr(0, packed.size() - 1)), WireError::kCompression);
  EXPECT_EQ(ErrorOf(kPlain, Compressed("")), WireError::kMessage);
  packed[packed.find("Algo") + 4] = 1;
  EXPECT_EQ(ErrorOf(kPlain, packed), WireError::kCompression);
}

TEST(PacketCodecTest, RefusesWhatIsTooLongOrNothing) {
  EXPECT_EQ(ErrorOf(kPlain, std::string(kMaxDatagram, '\x08')), WireError::kNone);
  EXPECT_EQ(ErrorOf(kPlain, std::string(kMaxDatagram + 1, '\x08')), WireError::kTooLong);
  EXPECT_EQ(ErrorOf(kPlain, ""), WireError::kMessage);
}

}  // namespace
}  // namespace lb::controlplane::swim
