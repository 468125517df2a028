// Goal: captured streams of real members hold what an independent decoder finds in them, and are
// written again to the byte.

#include <algorithm>
#include <ostream>
#include <string>
#include <variant>

#include "controlplane/membership/lzw_encoder.h"
#include "controlplane/membership/stream_codec.h"
#include "controlplane/membership/test_vectors.h"
#include "gtest/gtest.h"

namespace lb::controlplane::swim {
namespace {

using Progress = StreamReader::Progress;

constexpr StreamSide kOpens = StreamSide::kInitiator;
constexpr StreamSide kAnswers = StreamSide::kResponder;
constexpr Versions kSerf{.delegate_min = 2, .delegate_max = 5, .delegate = 5};
constexpr Versions kPlain{};

// The application's data that stands for its tags: {role: lb, dc: east} and the like.
const std::string kLbEast = FromHex("ff82a4726f6c65a26c62a26463a465617374");
const std::string kWeb = FromHex("ff81a4726f6c65a3776562");
const std::string kLb = FromHex("ff81a4726f6c65a26c62");
const std::string kLbRack2 = FromHex("ff82a4726f6c65a26c62a47261636ba27232");

// The state of serf, which has a slot for each of 512 events, all free.
std::string SerfState(const std::string& name) {
  constexpr int kSlots = 512;
  std::string state = FromHex("0286aa4576656e744c54696d6501a64576656e7473dc0200");
  state.append(kSlots, '\xc0');
  state += FromHex(
      "a54c54696d6501ab4c6566744d656d6265727390aa51756572794c54696d6501ac5374617475734c54696d6573");
  return state + '\x81' + static_cast<char>(0xa0 + name.size()) + name + '\0';
}

// A table of one.
PushPull Only(const char* name, Address address, const std::string& meta, const Versions& versions,
              const std::string& user_state) {
  return {.join = true,
          .nodes = {{.name = name,
                     .address = address,
                     .incarnation = 1,
                     .meta = meta,
                     .versions = versions}},
          .user_state = user_state};
}

struct Vector {
  const char* name;
  size_t key_bytes;
  const char* label;
  StreamSide side;
  bool compressed;
  StreamMessage message;
};

void PrintTo(const Vector& vector, std::ostream* out) { *out << vector.name; }

const Vector kVectors[] = {
    {"15-tcp-pushpull-join-request", 0, "", kOpens, false,
     Only("beta", Loopback(0, 3), kWeb, kSerf, SerfState("beta"))},
    {"16-tcp-pushpull-join-reply", 0, "", kAnswers, false,
     Only("alpha", Loopback(0, 2), kLbEast, kSerf, SerfState("alpha"))},
    {"19-tcp-pushpull-compressed", 0, "", kOpens, true,
     Only("c2", Loopback(3, 2), kLbRack2, kSerf, SerfState("c2"))},
    {"22-tcp-enc256-pushpull-request", 32, "", kOpens, false,
     Only("e2", Loopback(3, 12), kLb, kSerf, SerfState("e2"))},
    {"23-tcp-enc256-pushpull-reply", 32, "", kAnswers, false,
     Only("e1", Loopback(3, 11), kLb, kSerf, SerfState("e1"))},
    {"25-tcp-enc128-compressed-pushpull", 16, "", kOpens, true,
     Only("f2", Loopback(3, 22), kLb, kSerf, SerfState("f2"))},
    {"26-tcp-enc256-err", 32, "", kAnswers, false,
     ErrorReply{"Encryption is configured but remote state is not encrypted"}},
    {"27-tcp-enc256-fallback-ping", 32, "", kOpens, false,
     Ping{.seq_no = 2, .node = "pe", .source = Loopback(4, 1), .source_node = "g1"}},
    {"28-tcp-ack", 0, "", kAnswers, false, Ack{.seq_no = 77}},
    {"29-tcp-err-plain", 0, "", kAnswers, false,
     ErrorReply{"Remote state is encrypted and encryption is not configured"}},
    {"31-tcp-label-enc256-pushpull-request", 32, "prod", kOpens, false,
     Only("lb2", Loopback(5, 2), "m2", kPlain, "")},
    {"32-tcp-label-enc256-pushpull-reply", 32, "prod", kAnswers, false,
     Only("lb1", Loopback(5, 1), "m1", kPlain, "statebytes1")},
    {"33-tcp-label-enc256-usermsg", 32, "prod", kOpens, false, User{"userpayload"}},
};

StreamMessage Read(const Vector& vector, const std::string& bytes) {
  const KeyRing ring = VectorRing(vector.key_bytes);
  StreamReader reader(vector.side, vector.label, ring);
  EXPECT_EQ(reader.Feed(bytes), Progress::kDone) << WireErrorName(reader.error());
  return reader.message();
}

class StreamVectorTest : public testing::TestWithParam<Vector> {};

TEST_P(StreamVectorTest, HoldsThisMessage) {
  const Vector& vector = GetParam();
  EXPECT_EQ(Read(vector, ReadVector(vector.name)), vector.message);
}

TEST_P(StreamVectorTest, IsDoneWithItsLastByteAndNoSooner) {
  const Vector& vector = GetParam();
  const KeyRing ring = VectorRing(vector.key_bytes);
  StreamReader reader(vector.side, vector.label, ring);
  const std::string bytes = ReadVector(vector.name);
  for (size_t i = 0; i + 1 < bytes.size(); ++i) {
    ASSERT_EQ(reader.Feed({&bytes[i], 1}), Progress::kMore) << "byte " << i;
  }
  ASSERT_EQ(reader.Feed({&bytes.back(), 1}), Progress::kDone);
  EXPECT_EQ(reader.message(), vector.message);
}

TEST_P(StreamVectorTest, IsWrittenAgainToTheByte) {
  const Vector& vector = GetParam();
  const std::string bytes = ReadVector(vector.name);
  const KeyRing ring = VectorRing(vector.key_bytes);
  const std::string label = vector.label;
  constexpr size_t kFrameHeader = 5;
  const size_t labelled = vector.side == kOpens && !label.empty() ? 2 + label.size() : 0;
  const std::string_view sealed = std::string_view(bytes).substr(labelled + kFrameHeader);
  const KeyRing::Nonce nonce = ring.empty() ? KeyRing::Nonce{} : NonceOf(sealed);
  if (!vector.compressed) {
    EXPECT_EQ(SealStream(vector.message, vector.side, label, ring, nonce), bytes);
    return;
  }
  const std::string packed = Compressed(SealStream(vector.message, kOpens, "", {}, {}));
  if (ring.empty()) {
    EXPECT_EQ(packed, bytes);
  } else {
    EXPECT_EQ(ring.Seal(nonce, packed, bytes.substr(0, kFrameHeader)), sealed);
  }
}

INSTANTIATE_TEST_SUITE_P(All, StreamVectorTest, testing::ValuesIn(kVectors));

// A table of 202: "seed", another one, and m000 to m199.
void ExpectTheLargeTable(PushPull read, const char* other, Address other_address) {
  EXPECT_FALSE(read.join);
  EXPECT_EQ(read.user_state, std::string(300, 's'));
  std::vector<NodeState> expected;
  const auto add = [&expected](const std::string& name, const Address& address) {
    expected.push_back(
        {.name = name, .address = address, .incarnation = 1, .versions = Versions{}});
  };
  add(other, other_address);
  for (int i = 0; i < 200; ++i) {
    const std::string digits = std::to_string(1000 + i).substr(1);
    add("m" + digits, Loopback(7, i));
  }
  add("seed", Loopback(6, 9));
  const auto by_name = [](const NodeState& a, const NodeState& b) { return a.name < b.name; };
  std::sort(read.nodes.begin(), read.nodes.end(), by_name);
  EXPECT_EQ(read.nodes, expected);
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
  return text;
}

// Both forms of "no data" are in these; we write one of them.
std::string WithNil(const std::string& bytes) {
  return Replaced(bytes, FromHex("a44d657461a0"), FromHex("a44d657461c0"));
}

TEST(LargeTableTest, ReadsALargeTableOfOldMembers) {
  const Vector vector{"38-tcp-pushpull-202nodes-msgpack-v1", 0, "", kAnswers, false, {}};
  const std::string bytes = ReadVector(vector.name);
  const StreamMessage message = Read(vector, bytes);
  ExpectTheLargeTable(std::get<PushPull>(message), "h22", Loopback(6, 1));
  EXPECT_EQ(SealStream(message, kAnswers, "", {}, {}), WithNil(bytes));
}

TEST(LargeTableTest, ReadsALargeTableOfNewMembers) {
  const Vector vector{"39-tcp-pushpull-202nodes-msgpack-v2", 0, "", kAnswers, false, {}};
  const std::string bytes = ReadVector(vector.name);
  const StreamMessage message = Read(vector, bytes);
  ExpectTheLargeTable(std::get<PushPull>(message), "h53", Loopback(6, 2));
  // They write the two lengths as signed numbers.
  const std::string as_old = Replaced(Replaced(WithNil(bytes), FromHex("d100ca"), FromHex("ccca")),
                                      FromHex("d1012c"), FromHex("cd012c"));
  EXPECT_EQ(SealStream(message, kAnswers, "", {}, {}), as_old);
}

}  // namespace
}  // namespace lb::controlplane::swim
