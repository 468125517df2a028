// What a terminal sends becomes keys, also when a read ends within one.
#include "cli/keys.h"

#include <gtest/gtest.h>

namespace lb::cli {
namespace {

using Kind = Key::Kind;
using Keys = std::vector<Key>;

TEST(KeyReaderTest, ReadsTextAndSequencesOfBothCursorModes) {
  KeyReader reader;
  EXPECT_EQ(reader.Feed("q\x1b[A\x1bOB\x1b[5~\x1b[6~\x1b[H\x1b[4~\r\t\x7f"),
            (Keys{{Kind::kText, 'q'},
                  {Kind::kUp},
                  {Kind::kDown},
                  {Kind::kPageUp},
                  {Kind::kPageDown},
                  {Kind::kHome},
                  {Kind::kEnd},
                  {Kind::kEnter},
                  {Kind::kTab},
                  {Kind::kBackspace}}));
  EXPECT_FALSE(reader.pending());
}

TEST(KeyReaderTest, AKeyCutByAReadIsOneKey) {
  KeyReader reader;
  EXPECT_EQ(reader.Feed("\x1b"), Keys{});
  EXPECT_TRUE(reader.pending());
  EXPECT_EQ(reader.Feed("["), Keys{});
  EXPECT_EQ(reader.Feed("Aq"), (Keys{{Kind::kUp}, {Kind::kText, 'q'}}));
}

TEST(KeyReaderTest, AnEscWithNothingBehindItIsTheEscapeKey) {
  KeyReader reader;
  EXPECT_EQ(reader.Feed("\x1b"), Keys{});
  EXPECT_EQ(reader.Flush(), Keys{{Kind::kEscape}});
  EXPECT_FALSE(reader.pending());
  EXPECT_EQ(reader.Feed("\x1bq"), (Keys{{Kind::kEscape}, {Kind::kText, 'q'}}));
}

TEST(KeyReaderTest, UnknownAndEndlessSequencesAreNoText) {
  KeyReader reader;
  EXPECT_EQ(reader.Feed("\x1b[24~\x01"), (Keys{{Kind::kOther}, {Kind::kOther}}));
  EXPECT_EQ(reader.Feed("\x1b[" + std::string(40, '1')), Keys{{Kind::kOther}});
  EXPECT_EQ(reader.Feed("d"), (Keys{{Kind::kText, 'd'}}));
}

}  // namespace
}  // namespace lb::cli
