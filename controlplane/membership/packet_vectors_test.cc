// Goal: captured datagrams of real agents hold what an independent decoder finds in them, and are
// written again to the byte.

#include <ostream>

#include "controlplane/membership/lzw_encoder.h"
#include "controlplane/membership/message_codec.h"
#include "controlplane/membership/packet_codec.h"
#include "controlplane/membership/test_vectors.h"
#include "gtest/gtest.h"

namespace lb::controlplane::swim {
namespace {

constexpr Versions kSerf{.delegate_min = 2, .delegate_max = 5, .delegate = 5};
constexpr Versions kPlain{};

// The application's data that stands for its tags: {role: lb, dc: east} and the like.
const std::string kLbEast = FromHex("ff82a4726f6c65a26c62a26463a465617374");
const std::string kWeb = FromHex("ff81a4726f6c65a3776562");
const std::string kLb = FromHex("ff81a4726f6c65a26c62");
const std::string kLbRack2 = FromHex("ff82a4726f6c65a26c62a47261636ba27232");
const std::string kRack1Lb = FromHex("ff82a47261636ba27231a4726f6c65a26c62");
const std::string kCoordinate = FromHex(
    "0184aa41646a7573746d656e74cb3ed9d944f5f366dda54572726f72cb3ff5fccb23720801a6486569676874"
    "cb3eec490ad02951f2a356656398cb3ed175896ec81a29cbbef16b9481229138cbbed96e94dace9a41cbbee8"
    "1cbd58282426cb3ef0262335594abdcb3eeaca5eb4c1f67ccbbee53112dbdc5184cbbeded3f39b4f4fc3");
const std::string kUserEvent =
    FromHex("0384a24343c3a54c54696d6501a44e616d65a66465706c6f79a75061796c6f6164a676312e322e33");
const std::string kJoinBeta = FromHex("0182a54c54696d6501a44e6f6465a462657461");
const std::string kJoinC2 = FromHex("0182a54c54696d6501a44e6f6465a26332");
const std::string kLeave = FromHex("0083a54c54696d6503a44e6f6465a567616d6d61a55072756e65c2");
const std::string kQuery = FromHex(
    "048ba441646472a47f000002a746696c74657273c0a5466c61677301a24944ce10bab216a54c54696d6501a4"
    "4e616d65a6757074696d65a75061796c6f6164a178a4506f7274cd1f0aab52656c6179466163746f7200aa53"
    "6f757263654e6f6465a5616c706861a754696d656f7574ce77359400");

// A user event whose payload is "abc" again and again.
std::string LongEvent() {
  std::string event = FromHex("0384a24343c3a54c54696d6501a44e616d65a3626967a75061796c6f6164da010e");
  for (int i = 0; i < 90; ++i) event += "abc";
  return event;
}

struct Vector {
  const char* name;
  size_t key_bytes;
  const char* label;
  bool checksum;
  bool compressed;
  std::vector<Message> messages;
};

void PrintTo(const Vector& vector, std::ostream* out) { *out << vector.name; }

Message PingOf(uint32_t seq_no, const char* node, Address source, const char* source_node) {
  return Ping{.seq_no = seq_no, .node = node, .source = source, .source_node = source_node};
}

Message AliveOf(const char* node, Address address, const std::string& meta,
                const Versions& versions) {
  return Alive{
      .incarnation = 1, .node = node, .address = address, .meta = meta, .versions = versions};
}

const Message kAlphaAlive = AliveOf("alpha", Loopback(0, 2), kLbEast, kSerf);
const Message kBetaAlive = AliveOf("beta", Loopback(0, 3), kWeb, kSerf);
const Message kBetaSuspect = Suspect{.incarnation = 1, .node = "beta", .from = "gamma"};

const Vector kVectors[] = {
    {"01-udp-ping", 0, "", false, false, {PingOf(1, "alpha", Loopback(0, 3), "beta")}},
    {"02-udp-ack-coordinate", 0, "", false, false, {Ack{.seq_no = 2, .payload = kCoordinate}}},
    {"03-udp-compound-ping-alive-alive",
     0,
     "",
     false,
     false,
     {PingOf(1, "beta", Loopback(0, 2), "alpha"), kAlphaAlive, kBetaAlive}},
    {"04-udp-crc-compound-alive-alive-join",
     0,
     "",
     true,
     false,
     {kAlphaAlive, kBetaAlive, User{kJoinBeta}}},
    {"05-udp-crc-userevent", 0, "", true, false, {User{kUserEvent}}},
    {"06-udp-indirect-ping",
     0,
     "",
     false,
     false,
     {IndirectPing{.seq_no = 5,
                   .node = "beta",
                   .target = Loopback(0, 3),
                   .nack = true,
                   .source = Loopback(0, 4),
                   .source_node = "gamma"}}},
    {"07-udp-nack", 0, "", false, false, {Nack{.seq_no = 43}}},
    {"08-udp-compound-nack-suspect", 0, "", false, false, {Nack{.seq_no = 5}, kBetaSuspect}},
    {"09-udp-crc-suspect", 0, "", true, false, {kBetaSuspect}},
    {"10-udp-crc-compound-ping-suspect",
     0,
     "",
     true,
     false,
     {PingOf(8, "beta", Loopback(0, 4), "gamma"), kBetaSuspect}},
    {"11-udp-crc-dead",
     0,
     "",
     true,
     false,
     {Dead{.incarnation = 1, .node = "beta", .from = "alpha"}}},
    {"12-udp-crc-dead-leave",
     0,
     "",
     true,
     false,
     {Dead{.incarnation = 1, .node = "gamma", .from = "gamma"}}},
    {"13-udp-crc-serf-leave", 0, "", true, false, {User{kLeave}}},
    {"14-udp-serf-query", 0, "", true, false, {User{kQuery}}},
    {"17-udp-crc-compress-userevent", 0, "", true, true, {User{LongEvent()}}},
    {"18-udp-compress-compound-ping",
     0,
     "",
     false,
     true,
     {PingOf(1, "c2", Loopback(3, 1), "c1"), AliveOf("c2", Loopback(3, 2), kLbRack2, kSerf),
      AliveOf("c1", Loopback(3, 1), kRack1Lb, kSerf), User{kJoinC2}}},
    {"20-udp-enc256-ping", 32, "", false, false, {PingOf(1, "e1", Loopback(3, 12), "e2")}},
    {"21-udp-enc256-crc-compound",
     32,
     "",
     true,
     false,
     {AliveOf("e2", Loopback(3, 12), kLb, kSerf), AliveOf("e1", Loopback(3, 11), kLb, kSerf)}},
    {"24-udp-enc128-crc-compress-compound",
     16,
     "",
     true,
     true,
     {AliveOf("f2", Loopback(3, 22), kLb, kSerf), AliveOf("f1", Loopback(3, 21), kLb, kSerf)}},
    {"30-udp-label-enc256-ping",
     32,
     "prod",
     false,
     false,
     {PingOf(1, "lb2", Loopback(5, 1), "lb1"), AliveOf("lb2", Loopback(5, 2), "m2", kPlain),
      AliveOf("lb1", Loopback(5, 1), "m1", kPlain)}},
    {"34-udp-label-plain-ping",
     0,
     "prod",
     false,
     false,
     {PingOf(1, "lc1", Loopback(5, 12), "lc2")}},
};

class PacketVectorTest : public testing::TestWithParam<Vector> {};

TEST_P(PacketVectorTest, HoldsTheseMessages) {
  const Vector& vector = GetParam();
  const PacketCodec codec(vector.label, VectorRing(vector.key_bytes));
  std::vector<std::string> parts;
  ASSERT_EQ(codec.Open(ReadVector(vector.name), parts), WireError::kNone);
  ASSERT_EQ(parts.size(), vector.messages.size());
  for (size_t i = 0; i < parts.size(); ++i) {
    SCOPED_TRACE(i);
    Message message;
    ASSERT_EQ(Decode(parts[i], message), WireError::kNone);
    EXPECT_EQ(message, vector.messages[i]);
  }
}

TEST_P(PacketVectorTest, IsWrittenAgainToTheByte) {
  const Vector& vector = GetParam();
  const std::string datagram = ReadVector(vector.name);
  const std::string label = vector.label;
  std::vector<std::string> parts;
  for (const Message& message : vector.messages) parts.push_back(Encode(message));
  if (vector.compressed) parts = {Compressed(PacketCodec("", {}).Seal(parts, false, {}))};
  KeyRing::Nonce nonce{};
  if (vector.key_bytes > 0) {
    nonce = NonceOf(std::string_view(datagram).substr(label.empty() ? 0 : 2 + label.size()));
  }
  const PacketCodec codec(label, VectorRing(vector.key_bytes));
  EXPECT_EQ(codec.Seal(parts, vector.checksum, nonce), datagram);
}

INSTANTIATE_TEST_SUITE_P(All, PacketVectorTest, testing::ValuesIn(kVectors));

}  // namespace
}  // namespace lb::controlplane::swim
