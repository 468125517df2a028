#include "controlplane/tls/ticket_word.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kHere{hours(1'000)};
constexpr Instant kThere{hours(3)};  // The same moment, by the clock of another host.

TicketKey KeyOf(char byte, Instant made) {
  return {std::string(TicketKey::kNameBytes, byte), std::string(TicketKey::kSecretBytes, byte),
          made};
}

TEST(TicketWordTest, KeysAreAsOldThereAsTheyAreHere) {
  const std::vector<TicketKey> keys{KeyOf('a', kHere), KeyOf('b', kHere - milliseconds(1'234)),
                                    KeyOf('c', kHere - hours(23))};
  const auto told = DecodeTickets(EncodeTickets(keys, kHere), kThere);
  ASSERT_TRUE(told);
  ASSERT_EQ(told->size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*told)[i].name, keys[i].name);
    EXPECT_EQ((*told)[i].secret, keys[i].secret);
    EXPECT_EQ(kThere - (*told)[i].made, kHere - keys[i].made);
  }
}

TEST(TicketWordTest, AFullWordFitsIntoOneDatagramAndAnEmptyOneIsOne) {
  std::vector<TicketKey> keys;
  for (size_t i = 0; i < TicketRing::kMaxKeys; ++i)
    keys.push_back(KeyOf(static_cast<char>('a' + i), kHere));
  const std::string word = EncodeTickets(keys, kHere);
  EXPECT_LE(word.size(), 1'200u);
  EXPECT_EQ(DecodeTickets(word, kThere)->size(), TicketRing::kMaxKeys);
  EXPECT_TRUE(DecodeTickets(EncodeTickets({}, kHere), kThere)->empty());
}

TEST(TicketWordTest, WhatIsCutOffOrHasTooMuchOrAnotherVersionIsRefused) {
  const std::string word = EncodeTickets({KeyOf('a', kHere), KeyOf('b', kHere)}, kHere);
  for (size_t bytes = 0; bytes < word.size(); ++bytes)
    EXPECT_FALSE(DecodeTickets(word.substr(0, bytes), kThere));
  EXPECT_FALSE(DecodeTickets(word + "x", kThere));
  std::string other = word;
  other[0] = 0x22;
  EXPECT_FALSE(DecodeTickets(other, kThere));
  std::string many = word;
  many[1] = static_cast<char>(TicketRing::kMaxKeys + 1);
  many.resize(2 + (TicketRing::kMaxKeys + 1) * 52);
  EXPECT_FALSE(DecodeTickets(many, kThere));
  EXPECT_FALSE(DecodeTickets(EncodeTickets({KeyOf('a', kHere), KeyOf('a', kHere)}, kHere), kThere));
}

}  // namespace
}  // namespace lb::controlplane
