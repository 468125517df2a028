#include "controlplane/membership/stream_codec.h"

#include <string>
#include <variant>

#include "controlplane/membership/lzw_encoder.h"
#include "controlplane/membership/msgpack_writer.h"
#include "gtest/gtest.h"

namespace lb::controlplane::swim {
namespace {

using Progress = StreamReader::Progress;

constexpr StreamSide kOpens = StreamSide::kInitiator;
constexpr StreamSide kAnswers = StreamSide::kResponder;
constexpr KeyRing::Nonce kNonce{1, 2, 3};

const KeyRing kNoKey;

KeyRing Ring(char byte) { return KeyRing::Make({std::string(16, byte)}).value(); }

PushPull Table(size_t nodes, size_t user_state_bytes) {
  PushPull table{.join = true, .nodes = {}};
  for (size_t i = 0; i < nodes; ++i) {
    table.nodes.push_back({.name = "member" + std::to_string(i),
                           .address = {.ip = {10, 0, 0, 1}, .port = 7946},
                           .incarnation = static_cast<uint32_t>(i),
                           .state = static_cast<State>(i % 4),
                           .meta = std::string(i % 3, 'm'),
                           .versions = Versions{}});
  }
  table.user_state = std::string(user_state_bytes, 'u');
  return table;
}

std::string Plain(const StreamMessage& message) {
  return SealStream(message, kOpens, "", kNoKey, kNonce);
}

// What becomes of plain `bytes`, all at once; kNone: it is not over, or done.
WireError ErrorOf(std::string_view bytes) {
  StreamReader reader(kOpens, "", kNoKey);
  reader.Feed(bytes);
  return reader.error();
}

// The header of a push/pull, and no more.
std::string Header(uint32_t nodes, uint32_t user_state_bytes) {
  MsgpackWriter out("\6");
  out.Map(2);
  out.Text("Nodes");
  out.Unsigned(nodes);
  out.Text("UserStateLen");
  out.Unsigned(user_state_bytes);
  return out.Take();
}

TEST(StreamCodecTest, ReadsWhatItWroteWithAndWithoutLabelAndKey) {
  const StreamMessage messages[] = {Ping{.seq_no = 1, .node = "a"},
                                    Ack{.seq_no = 1},
                                    Table(20, 30),
                                    Table(0, 0),
                                    User{"payload"},
                                    User{},
                                    ErrorReply{"no"}};
  for (const StreamMessage& message : messages) {
    for (const StreamSide side : {kOpens, kAnswers}) {
      for (const char* const label : {"", "prod"}) {
        for (const KeyRing& ring : {kNoKey, Ring('k')}) {
          StreamReader reader(side, label, ring);
          const std::string bytes = SealStream(message, side, label, ring, kNonce);
          ASSERT_EQ(reader.Feed(bytes), Progress::kDone);
          EXPECT_EQ(reader.message(), message);
        }
      }
    }
  }
}

TEST(StreamCodecTest, IsOverWhenItIsOver) {
  StreamReader done(kOpens, "", kNoKey);
  EXPECT_EQ(done.Feed(Plain(Ack{.seq_no = 1}) + "and more"), Progress::kDone);
  EXPECT_EQ(done.Feed("\xff"), Progress::kDone);
  EXPECT_EQ(done.message(), StreamMessage(Ack{.seq_no = 1}));

  StreamReader failed(kOpens, "", kNoKey);
  EXPECT_EQ(failed.Feed("\xff"), Progress::kFailed);
  EXPECT_EQ(failed.Feed(Plain(Ack{.seq_no = 1})), Progress::kFailed);
  EXPECT_EQ(failed.error(), WireError::kType);
}

TEST(StreamCodecTest, WaitsForAllThatTheHeaderSays) {
  for (const StreamMessage& message : {StreamMessage(Table(3, 5)), StreamMessage(User{"x"})}) {
    const std::string bytes = Plain(message);
    for (size_t length = 0; length < bytes.size(); ++length) {
      StreamReader reader(kOpens, "", kNoKey);
      EXPECT_EQ(reader.Feed(std::string_view(bytes).substr(0, length)), Progress::kMore);
    }
  }
}

// Goal: the work is linear in the bytes. Method: streams of megabytes, byte for byte; a reader that
// began again with each of them would still be at it when the test's time is over.
TEST(StreamCodecTest, ReadsMegabytesByteForByte) {
  const std::string many_nodes = Plain(Table(kMaxNodes, kMaxUserState));
  // A map whose only key nobody knows, with a million values in it.
  constexpr size_t kValues = 1 << 20;
  std::string large_map = std::string("\x06\x81\xa1x\xdd") + '\0' + '\x10' + '\0' + '\0';
  large_map.append(kValues, '\xc0');
  const std::string packed = Compressed(many_nodes);
  ASSERT_GT(many_nodes.size(), size_t{2} << 20);
  for (const std::string_view bytes :
       {std::string_view(many_nodes), std::string_view(large_map), std::string_view(packed)}) {
    StreamReader reader(kOpens, "", kNoKey);
    for (size_t i = 0; i + 1 < bytes.size(); ++i) {
      ASSERT_EQ(reader.Feed(bytes.substr(i, 1)), Progress::kMore);
    }
    ASSERT_EQ(reader.Feed(bytes.substr(bytes.size() - 1)), Progress::kDone);
  }
}

TEST(StreamCodecTest, BoundsWhatATableHolds) {
  EXPECT_EQ(ErrorOf(Header(kMaxNodes, kMaxUserState)), WireError::kNone);
  EXPECT_EQ(ErrorOf(Header(kMaxNodes + 1, 0)), WireError::kTooLong);
  EXPECT_EQ(ErrorOf(Header(0, kMaxUserState + 1)), WireError::kTooLong);
  EXPECT_EQ(ErrorOf("\x06\x81\xa5Nodes\xff"), WireError::kMessage);
  EXPECT_EQ(ErrorOf("\x06\x81\xacUserStateLen\xd1\xff\xff"), WireError::kMessage);
}

TEST(StreamCodecTest, BoundsAUserMessage) {
  const auto header = [](uint32_t bytes) {
    MsgpackWriter out("\x08");
    out.Map(1);
    out.Text("UserMsgLen");
    out.Unsigned(bytes);
    return out.Take();
  };
  EXPECT_EQ(ErrorOf(header(kMaxUserState)), WireError::kNone);
  EXPECT_EQ(ErrorOf(header(kMaxUserState + 1)), WireError::kTooLong);
}

TEST(StreamCodecTest, RefusesAMemberThatCannotBe) {
  const std::string header = Header(1, 0);
  EXPECT_EQ(ErrorOf(header + "\x81\xa5State\x03"), WireError::kNone);
  EXPECT_EQ(ErrorOf(header + "\x81\xa5State\x04"), WireError::kMessage);
  EXPECT_EQ(ErrorOf(header + "\x81\xa4"
                             "Addr\xa3"
                             "123"),
            WireError::kMessage);
  EXPECT_EQ(ErrorOf(header + "\xc0"), WireError::kMessage);
  EXPECT_EQ(ErrorOf(header + "\xc1"), WireError::kMessage);
}

TEST(StreamCodecTest, TakesNoMoreThanTheBound) {
  // Text that goes on and on.
  const std::string endless = "\x06\x81\xa1x\xdb\x7f\xff\xff\xff";
  StreamReader reader(kOpens, "", kNoKey);
  ASSERT_EQ(reader.Feed(endless), Progress::kMore);
  ASSERT_EQ(reader.Feed(std::string(kMaxStream - endless.size(), 'x')), Progress::kMore);
  EXPECT_EQ(reader.Feed("x"), Progress::kFailed);
  EXPECT_EQ(reader.error(), WireError::kTooLong);
  // What follows the message does not count.
  EXPECT_EQ(ErrorOf(Plain(Ack{.seq_no = 1}) + std::string(kMaxStream, 'x')), WireError::kNone);
}

TEST(StreamCodecTest, TakesOnlyMessagesOfStreams) {
  for (const int type : {1, 3, 4, 5, 7, 11, 12, 14, 255}) {
    EXPECT_EQ(ErrorOf(std::string(1, static_cast<char>(type))), WireError::kType) << type;
  }
}

TEST(StreamCodecTest, TheLabelIsAskedOfWhoOpensTheConnection) {
  const std::string labelled = SealStream(Ack{}, kOpens, "prod", kNoKey, kNonce);
  const std::string answer = SealStream(Ack{}, kAnswers, "prod", kNoKey, kNonce);
  const auto error = [](StreamSide side, const char* label, std::string_view bytes) {
    StreamReader reader(side, label, kNoKey);
    reader.Feed(bytes);
    return reader.error();
  };
  EXPECT_EQ(error(kOpens, "prod", labelled), WireError::kNone);
  EXPECT_EQ(error(kOpens, "test", labelled), WireError::kLabel);
  EXPECT_EQ(error(kOpens, "pro", labelled), WireError::kLabel);
  EXPECT_EQ(error(kOpens, "", labelled), WireError::kLabel);
  EXPECT_EQ(error(kOpens, "prod", answer), WireError::kLabel);
  EXPECT_EQ(error(kAnswers, "prod", answer), WireError::kNone);
  EXPECT_EQ(error(kAnswers, "prod", labelled), WireError::kLabel);
  EXPECT_EQ(error(kOpens, "prod", "\xf4\x04px"), WireError::kLabel);
}

TEST(StreamCodecTest, BothEndsHaveAKeyOrNone) {
  const KeyRing ring = Ring('k');
  const std::string sealed = SealStream(Ack{}, kOpens, "", ring, kNonce);
  EXPECT_EQ(ErrorOf(sealed.substr(0, 1)), WireError::kSealed);
  const std::string plain = Plain(Ack{});
  StreamReader keyed(kOpens, "", ring);
  EXPECT_EQ(keyed.Feed(plain.substr(0, 1)), Progress::kFailed);
  EXPECT_EQ(keyed.error(), WireError::kPlaintext);
}

class SealedStreamTest : public testing::Test {
 protected:
  WireError ErrorOfSealed(std::string_view bytes, StreamSide side = kOpens) const {
    StreamReader reader(side, "prod", ring_);
    reader.Feed(bytes);
    return reader.error();
  }

  // A frame around `body`.
  std::string Frame(std::string_view body) const {
    std::string header("\x0a\0\0\0\0", 5);
    header.back() = static_cast<char>(body.size() + KeyRing::kOverhead);
    return header + ring_.Seal(kNonce, body, header + "prod");
  }

  const KeyRing ring_ = Ring('k');
  const std::string sealed_ = SealStream(Table(2, 3), kOpens, "prod", ring_, kNonce);
};

TEST_F(SealedStreamTest, RefusesItWithAnyBitFlipped) {
  for (size_t i = 0; i < sealed_.size() * 8; ++i) {
    std::string flipped = sealed_;
    flipped[i / 8] = static_cast<char>(static_cast<uint8_t>(flipped[i / 8]) ^ (1u << i % 8));
    StreamReader reader(kOpens, "prod", ring_);
    // A longer frame is waited for.
    EXPECT_NE(reader.Feed(flipped), Progress::kDone) << "bit " << i;
  }
}

TEST_F(SealedStreamTest, RefusesAnotherKeyOrLabelOrWayOfSealing) {
  EXPECT_EQ(ErrorOfSealed(SealStream(Ack{}, kOpens, "prod", Ring('x'), kNonce)), WireError::kKey);
  const std::string other = SealStream(Ack{}, kAnswers, "test", ring_, kNonce);
  EXPECT_EQ(ErrorOfSealed(other, kAnswers), WireError::kKey);
  EXPECT_EQ(ErrorOfSealed(std::string("\x0a\0\0\0\x64\0", 6), kAnswers), WireError::kSealed);
}

TEST_F(SealedStreamTest, JudgesTheLengthBeforeAnythingComes) {
  EXPECT_EQ(ErrorOfSealed("\x0a\x7f\xff\xff\xff", kAnswers), WireError::kTooLong);
  EXPECT_EQ(ErrorOfSealed(std::string("\x0a\0\0\0\x1c", 5), kAnswers), WireError::kKey);
  EXPECT_EQ(ErrorOfSealed(std::string("\x0a\0\0\0\x1d", 5), kAnswers), WireError::kNone);
}

TEST_F(SealedStreamTest, HoldsAWholeMessage) {
  EXPECT_EQ(ErrorOfSealed(Frame(Plain(Ack{})), kAnswers), WireError::kNone);
  EXPECT_EQ(ErrorOfSealed(Frame(Compressed(Plain(Ack{}))), kAnswers), WireError::kNone);
  EXPECT_EQ(ErrorOfSealed(Frame(Plain(Ack{}).substr(0, 5)), kAnswers), WireError::kMessage);
  EXPECT_EQ(ErrorOfSealed(Frame(""), kAnswers), WireError::kMessage);
  EXPECT_EQ(ErrorOfSealed(Frame("\x0a"), kAnswers), WireError::kType);
}

TEST(PackedStreamTest, IsUnpackedOnceAndHoldsAWholeMessage) {
  const std::string plain = Plain(Table(40, 50));
  StreamReader reader(kOpens, "", kNoKey);
  ASSERT_EQ(reader.Feed(Compressed(plain)), Progress::kDone);
  EXPECT_EQ(reader.message(), StreamMessage(Table(40, 50)));
  EXPECT_EQ(ErrorOf(Compressed(Compressed(plain))), WireError::kType);
  EXPECT_EQ(ErrorOf(Compressed(plain.substr(0, plain.size() - 1))), WireError::kMessage);
  EXPECT_EQ(ErrorOf(Compressed("")), WireError::kMessage);
  EXPECT_EQ(ErrorOf("\x09\x81\xa4"
                    "Algo\x01"),
            WireError::kCompression);
}

TEST(PackedStreamTest, IsUnpackedToTheBoundOnly) {
  const std::string ping = Plain(Ping{.seq_no = 1, .node = "a"});
  const std::string fits = ping + std::string(kMaxStream - ping.size(), 'x');
  EXPECT_EQ(ErrorOf(Compressed(fits)), WireError::kNone);
  EXPECT_EQ(ErrorOf(Compressed(fits + "x")), WireError::kCompression);
}

}  // namespace
}  // namespace lb::controlplane::swim
