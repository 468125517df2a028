#include "controlplane/membership/message_codec.h"

#include <string>

#include "controlplane/membership/msgpack_writer.h"
#include "controlplane/membership/test_vectors.h"
#include "gtest/gtest.h"

namespace lb::controlplane::swim {
namespace {

const std::string kIpv6 = std::string(15, '\0') + '\1';

// One message of each kind, with all that it can hold.
const Message kMessages[] = {
    Ping{.seq_no = UINT32_MAX, .node = "a", .source = {kIpv6, 1}, .source_node = "b"},
    Ping{.seq_no = 1, .node = ""},
    IndirectPing{.seq_no = 9,
                 .node = "a",
                 .target = {kIpv6, 65535},
                 .nack = true,
                 .source = Loopback(1, 2),
                 .source_node = std::string(kMaxName, 'n')},
    Ack{.seq_no = 3, .payload = std::string(300, '\0')},
    Nack{.seq_no = 4},
    Suspect{.incarnation = 5, .node = "a", .from = "b"},
    Alive{.incarnation = 6,
          .node = "a",
          .address = Loopback(3, 4),
          .meta = std::string(kMaxMeta, 'm'),
          .versions = Versions{.protocol_min = 255}},
    Alive{.incarnation = 7, .node = "a", .address = {}},
    Dead{.incarnation = 8, .node = "a", .from = "a"},
    User{.payload = "anything"},
    User{},
};

WireError ErrorOf(const std::string& part) {
  Message message;
  return Decode(part, message);
}

// An alive with one field, as the bytes of its value.
std::string AliveWith(const std::string& key, const std::string& value) {
  MsgpackWriter out("\4");
  out.Map(1);
  out.Text(key);
  return out.Take() + value;
}

std::string Text(size_t length) {
  MsgpackWriter out;
  out.Text(std::string(length, 'x'));
  return out.Take();
}

TEST(MessageCodecTest, ReadsWhatItWrote) {
  for (const Message& message : kMessages) {
    SCOPED_TRACE(message.index());
    Message read;
    ASSERT_EQ(Decode(Encode(message), read), WireError::kNone);
    EXPECT_EQ(read, message);
    ASSERT_EQ(Decode(Encode(message) + "what follows", read), WireError::kNone);
    if (std::holds_alternative<User>(message)) continue;
    EXPECT_EQ(read, message);
  }
}

TEST(MessageCodecTest, RefusesAMessageThatIsCut) {
  for (const Message& message : kMessages) {
    if (std::holds_alternative<User>(message)) continue;
    SCOPED_TRACE(message.index());
    const std::string part = Encode(message);
    for (size_t length = 0; length < part.size(); ++length) {
      EXPECT_EQ(ErrorOf(part.substr(0, length)), WireError::kMessage) << length;
    }
  }
}

TEST(MessageCodecTest, LeavesOutASenderThatIsNotGiven) {
  EXPECT_EQ(Encode(Ping{.seq_no = 1, .node = "a"}), FromHex("0082a44e6f6465a161a55365714e6f01"));
}

TEST(MessageCodecTest, TakesKeysInAnyOrderAndSkipsThoseItDoesNotKnow) {
  // SeqNo: 7, New: {x: [1, nil]}, Node: "a" as str8.
  const std::string part = FromHex("0083a55365714e6f07a34e657781a1789201c0a44e6f6465d90161");
  Message message;
  ASSERT_EQ(Decode(part, message), WireError::kNone);
  EXPECT_EQ(message, Message(Ping{.seq_no = 7, .node = "a"}));
}

TEST(MessageCodecTest, TakesNilForNothing) {
  // Addr, Incarnation, Meta, Node: nil.
  const std::string part =
      FromHex("0484a441646472c0ab496e6361726e6174696f6ec0a44d657461c0a44e6f6465c0");
  Message message;
  ASSERT_EQ(Decode(part, message), WireError::kNone);
  EXPECT_EQ(message, Message(Alive{.node = "", .address = {}}));
}

TEST(MessageCodecTest, VersionsThatAreNotSixAreAbsent) {
  for (const size_t length : {0u, 1u, 5u, 7u, 40u}) {
    SCOPED_TRACE(length);
    Message message;
    ASSERT_EQ(Decode(AliveWith("Vsn", Text(length)), message), WireError::kNone);
    EXPECT_EQ(std::get<Alive>(message).versions, std::nullopt);
  }
  Message message;
  ASSERT_EQ(Decode(AliveWith("Vsn", FromHex("c406010203040506")), message), WireError::kNone);
  const Versions expected{1, 2, 3, 4, 5, 6};
  EXPECT_EQ(std::get<Alive>(message).versions, expected);
}

TEST(MessageCodecTest, RefusesWhatCannotBe) {
  EXPECT_EQ(ErrorOf(AliveWith("Node", Text(kMaxName))), WireError::kNone);
  EXPECT_EQ(ErrorOf(AliveWith("Node", Text(kMaxName + 1))), WireError::kMessage);
  EXPECT_EQ(ErrorOf(AliveWith("Meta", Text(kMaxMeta))), WireError::kNone);
  EXPECT_EQ(ErrorOf(AliveWith("Meta", Text(kMaxMeta + 1))), WireError::kMessage);
  for (const size_t length : {1u, 3u, 5u, 15u, 17u}) {
    EXPECT_EQ(ErrorOf(AliveWith("Addr", Text(length))), WireError::kMessage) << length;
  }
  EXPECT_EQ(ErrorOf(AliveWith("Port", FromHex("cdffff"))), WireError::kNone);
  EXPECT_EQ(ErrorOf(AliveWith("Port", FromHex("ce00010000"))), WireError::kMessage);
  EXPECT_EQ(ErrorOf(AliveWith("Port", FromHex("ff"))), WireError::kMessage);
  EXPECT_EQ(ErrorOf(AliveWith("Incarnation", FromHex("cf0000000100000000"))), WireError::kMessage);
  EXPECT_EQ(ErrorOf(AliveWith("Node", FromHex("05"))), WireError::kMessage);
  EXPECT_EQ(ErrorOf(FromHex("0490")), WireError::kMessage);
  EXPECT_EQ(ErrorOf(""), WireError::kMessage);
}

TEST(MessageCodecTest, TakesOnlyMessagesOfDatagrams) {
  for (const int type : {6, 7, 9, 10, 12, 13, 14, 244, 255}) {
    EXPECT_EQ(ErrorOf(std::string(1, static_cast<char>(type)) + "\x80"), WireError::kType) << type;
  }
}

}  // namespace
}  // namespace lb::controlplane::swim
