// Questions about keys and their answers, as Serf's agents send them.
#include "controlplane/membership/serf_query.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"

namespace lb::controlplane::swim {
namespace {

std::string Bytes(const char* hex) { return absl::HexStringToBytes(hex); }

// Of Debian's agent 0.9.4, "serf keys -install" of the 24 bytes 00 to 17.
constexpr char kInstall[] =
    "048ba441646472a47f000101a746696c74657273c0a5466c61677300a24944ce79de4a49a54c54696d6502a44e616d"
    "65b15f736572665f696e7374616c6c2d6b6579a75061796c6f6164bf0781a34b6579b8000102030405060708090a0b"
    "0c0d0e0f1011121314151617a4506f7274cd1f0aab52656c6179466163746f7200aa536f757263654e6f6465a5616c"
    "706861a754696d656f7574cebebc2000";
// Of the same agent: the answer to "serf keys -list".
constexpr char kListed[] =
    "0585a5466c61677300a446726f6da462657461a24944ce6216defda54c54696d6501a75061796c6f6164da00560884"
    "a44b65797391b841414543417751464267634943516f4c4441304f44773d3da74d657373616765a0aa5072696d6172"
    "794b6579b841414543417751464267634943516f4c4441304f44773d3da6526573756c74c3";
// And one that refuses: a key of 8 bytes.
constexpr char kRefused[] =
    "0585a5466c61677300a446726f6da462657461a24944ce3e361c29a54c54696d6503a75061796c6f6164da004a0884"
    "a44b657973c0a74d657373616765da00236b65792073697a65206d7573742062652031362c203234206f7220333220"
    "6279746573aa5072696d6172794b6579a0a6526573756c74c2";

std::string Counting(char bytes) {
  std::string key;
  for (char byte = 0; byte < bytes; ++byte) key.push_back(byte);
  return key;
}

TEST(SerfQueryTest, AnOrderOfAnAgentIsReadAndWrittenToTheByte) {
  SerfQuery query;
  ASSERT_TRUE(DecodeQuery(Bytes(kInstall), query));
  EXPECT_EQ(query.time, 2u);
  EXPECT_EQ(query.id, 0x79de4a49u);
  EXPECT_EQ(query.reply_to, (Address{std::string("\x7f\0\1\1", 4), 7946}));
  EXPECT_EQ(query.from, "alpha");
  EXPECT_EQ(query.timeout_ns, 3'200'000'000u);
  EXPECT_FALSE(query.for_some);
  EXPECT_TRUE(query.pass_on);
  KeyVerb verb = KeyVerb::kList;
  ASSERT_TRUE(KeyVerbOf(query.name, verb));
  EXPECT_EQ(verb, KeyVerb::kAdd);
  std::string key;
  ASSERT_TRUE(DecodeKeyRequest(query.payload, key));
  EXPECT_EQ(key, Counting(24));
  EXPECT_EQ(EncodeKeyRequest(key), query.payload);
  EXPECT_EQ(EncodeQuery(query), Bytes(kInstall));
}

TEST(SerfQueryTest, AnswersOfAnAgentAreReadAndWrittenToTheByte) {
  SerfAnswer answer;
  ASSERT_TRUE(DecodeAnswer(Bytes(kListed), answer));
  EXPECT_EQ(answer.from, "beta");
  EXPECT_EQ(answer.time, 1u);
  EXPECT_FALSE(answer.ack);
  KeyAnswer keys;
  ASSERT_TRUE(DecodeKeyAnswer(answer.payload, keys));
  EXPECT_EQ(keys, (KeyAnswer{true, "", {Counting(16)}, Counting(16)}));
  EXPECT_EQ(EncodeKeyAnswer(keys), answer.payload);
  EXPECT_EQ(EncodeAnswer(answer), Bytes(kListed));

  ASSERT_TRUE(DecodeAnswer(Bytes(kRefused), answer));
  ASSERT_TRUE(DecodeKeyAnswer(answer.payload, keys));
  EXPECT_EQ(keys, (KeyAnswer{false, "key size must be 16, 24 or 32 bytes", {}, ""}));
  EXPECT_EQ(EncodeKeyAnswer(keys), answer.payload);
}

TEST(SerfQueryTest, WhatIsCutIsRefused) {
  SerfQuery query;
  SerfAnswer answer;
  const std::string whole = Bytes(kInstall);
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(DecodeQuery(whole.substr(0, length), query)) << length;
  const std::string answered = Bytes(kListed);
  for (size_t length = 0; length < answered.size(); ++length)
    EXPECT_FALSE(DecodeAnswer(answered.substr(0, length), answer)) << length;
  EXPECT_FALSE(DecodeQuery(answered, query));
  EXPECT_FALSE(DecodeAnswer(whole, answer));
}

TEST(SerfQueryTest, TheBoundsHold) {
  SerfQuery query{.time = 1, .id = 1, .reply_to = {std::string(4, '\1'), 1}, .name = "n"};
  query.payload = std::string(kMaxQueryPayload, 'p');
  SerfQuery read;
  EXPECT_TRUE(DecodeQuery(EncodeQuery(query), read));
  EXPECT_EQ(read, query);
  std::string longer = EncodeQuery(query);
  const size_t at = longer.find("\xda\x04");
  longer.replace(at, 3, "\xda\x04\x01");
  longer.insert(at + 3, "p");
  EXPECT_FALSE(DecodeQuery(longer, read));
  std::string key;
  EXPECT_FALSE(DecodeKeyRequest(EncodeKeyRequest(std::string(kMaxKeyBytes + 1, 'k')), key));
}

TEST(SerfQueryTest, ClocksOfAnAgentAreReadAndOursAreOfTheSameForm) {
  SerfClocks clocks;
  ASSERT_TRUE(DecodeClocks(EncodeClocks({7, 1u << 20}), clocks));
  EXPECT_EQ(clocks.intents, 7u);
  EXPECT_EQ(clocks.queries, 1u << 20);
  EXPECT_FALSE(DecodeClocks(Bytes(kInstall), clocks));
}

}  // namespace
}  // namespace lb::controlplane::swim
