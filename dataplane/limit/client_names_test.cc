#include "dataplane/limit/client_names.h"

#include <string>

#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

TEST(ClientNamesTest, TellsTheNamesOfThoseSeen) {
  ClientNames names;
  const ClientPrefix a = ClientNames::Of("spiffe://example/a");
  const ClientPrefix b = ClientNames::Of("spiffe://example/b");
  ASSERT_NE(a, b);
  names.Note(a, "spiffe://example/a");
  EXPECT_EQ(names.NameOf(a), "spiffe://example/a");
  EXPECT_EQ(names.NameOf(b).substr(0, 1), "#");
  EXPECT_EQ(names.NameOf(b).size(), 17u);
}

// Workers tell each other of clients by this number, over versions of the program.
TEST(ClientNamesTest, TheNumberOfANameNeverChanges) {
  EXPECT_EQ(ClientNames::Of("abc"), 0xba7816bf8f01cfeau >> 1);  // FIPS 180-4's example.
}

TEST(ClientNamesTest, KeepsABoundedNumberAndTheNewest) {
  ClientNames names;
  const size_t count = 4 * ClientNames::kMaxNames;
  for (size_t i = 0; i < count; ++i) {
    const std::string name = std::to_string(i);
    names.Note(ClientNames::Of(name), name);
    EXPECT_EQ(names.NameOf(ClientNames::Of(name)), name);
  }
  size_t kept = 0;
  for (size_t i = 0; i < count; ++i)
    if (names.NameOf(ClientNames::Of(std::to_string(i)))[0] != '#') ++kept;
  EXPECT_LE(kept, ClientNames::kMaxNames);
  EXPECT_GT(kept, ClientNames::kMaxNames * 9 / 10);
}

}  // namespace
}  // namespace lb::dataplane
