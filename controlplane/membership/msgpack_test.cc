#include <string>

#include "controlplane/membership/msgpack_reader.h"
#include "controlplane/membership/msgpack_writer.h"
#include "controlplane/membership/test_vectors.h"
#include "gtest/gtest.h"

namespace lb::controlplane::swim {
namespace {

std::string Written(uint32_t number) {
  MsgpackWriter out;
  out.Unsigned(number);
  return out.Take();
}

TEST(MsgpackWriterTest, WritesIntegersAsShortAsCanBe) {
  EXPECT_EQ(Written(0), FromHex("00"));
  EXPECT_EQ(Written(127), FromHex("7f"));
  EXPECT_EQ(Written(128), FromHex("cc80"));
  EXPECT_EQ(Written(255), FromHex("ccff"));
  EXPECT_EQ(Written(256), FromHex("cd0100"));
  EXPECT_EQ(Written(65535), FromHex("cdffff"));
  EXPECT_EQ(Written(65536), FromHex("ce00010000"));
  EXPECT_EQ(Written(UINT32_MAX), FromHex("ceffffffff"));
}

TEST(MsgpackWriterTest, WritesTextInTheOldForm) {
  const auto head = [](size_t length) {
    MsgpackWriter out;
    out.Text(std::string(length, 'x'));
    const std::string written = out.Take();
    return written.substr(0, written.size() - length);
  };
  EXPECT_EQ(head(0), FromHex("a0"));
  EXPECT_EQ(head(31), FromHex("bf"));
  EXPECT_EQ(head(32), FromHex("da0020"));
  EXPECT_EQ(head(65535), FromHex("daffff"));
  EXPECT_EQ(head(65536), FromHex("db00010000"));
}

TEST(MsgpackWriterTest, WritesNoBytesAsNil) {
  MsgpackWriter out("x");
  out.Bytes("");
  out.Bytes("y");
  EXPECT_EQ(out.Take(), FromHex("78c0a179"));
  EXPECT_EQ(out.Take(), "");
}

TEST(MsgpackReaderTest, ReadsTextInEveryForm) {
  for (const char* const hex : {"a3616263", "d903616263", "da0003616263", "db00000003616263",
                                "c403616263", "c50003616263", "c600000003616263"}) {
    SCOPED_TRACE(hex);
    const std::string bytes = FromHex(hex);
    std::string_view text;
    EXPECT_TRUE(MsgpackReader(bytes).Text(text));
    EXPECT_EQ(text, "abc");
    for (size_t length = 0; length < bytes.size(); ++length) {
      EXPECT_FALSE(MsgpackReader(std::string_view(bytes).substr(0, length)).Text(text));
    }
  }
  std::string_view text = "before";
  EXPECT_TRUE(MsgpackReader("\xc0").Text(text));
  EXPECT_EQ(text, "");
}

TEST(MsgpackReaderTest, ReadsIntegersInEveryForm) {
  for (const char* const hex : {"64", "cc64", "cd0064", "ce00000064", "cf0000000000000064", "d064",
                                "d10064", "d200000064", "d30000000000000064"}) {
    SCOPED_TRACE(hex);
    const std::string bytes = FromHex(hex);
    uint64_t number = 0;
    EXPECT_TRUE(MsgpackReader(bytes).Unsigned(100, number));
    EXPECT_EQ(number, 100u);
    EXPECT_FALSE(MsgpackReader(bytes).Unsigned(99, number));
    EXPECT_FALSE(
        MsgpackReader(std::string_view(bytes).substr(0, bytes.size() - 1)).Unsigned(100, number));
  }
}

TEST(MsgpackReaderTest, RefusesWhatIsNoNumberOfThisKind) {
  for (const char* const hex : {"ff", "d0ff", "d1ff00", "d2ffffffff", "d3ffffffffffffffff",
                                "ca3f800000", "cb3ff0000000000000", "a164", "c3", "90", "80"}) {
    SCOPED_TRACE(hex);
    uint64_t number = 0;
    EXPECT_FALSE(MsgpackReader(FromHex(hex)).Unsigned(UINT64_MAX, number));
  }
}

TEST(MsgpackReaderTest, ReadsBoolsAsTheirPeersWriteThem) {
  const auto read = [](const char* hex) {
    bool value = false;
    const bool good = MsgpackReader(FromHex(hex)).Bool(value);
    return good ? static_cast<int>(value) : -1;
  };
  EXPECT_EQ(read("c2"), 0);
  EXPECT_EQ(read("c3"), 1);
  EXPECT_EQ(read("00"), 0);
  EXPECT_EQ(read("01"), 1);
  EXPECT_EQ(read("c0"), 0);
  EXPECT_EQ(read("02"), -1);
  EXPECT_EQ(read("a0"), -1);
}

TEST(MsgpackReaderTest, SkipsAValueOfAnyKindWithAllThatIsInIt) {
  for (const char* const hex : {"c0",
                                "c2",
                                "05",
                                "ff",
                                "cf0000000000000001",
                                "d3ffffffffffffffff",
                                "ca3f800000",
                                "cb3ff0000000000000",
                                "a161",
                                "c40161",
                                "92a16105",
                                "dc000205c0",
                                "dd00000001c3",
                                "81a16181a16290",
                                "de0001a16105",
                                "df00000001a161c0",
                                "d401ff",
                                "d501ffff",
                                "d601ffffffff",
                                "d7010000000000000000",
                                "d80100000000000000000000000000000000",
                                "c702010102",
                                "c800010105",
                                "c90000000101ff"}) {
    SCOPED_TRACE(hex);
    const std::string bytes = FromHex(hex) + "\x07";
    MsgpackReader in(bytes);
    uint64_t number = 0;
    EXPECT_TRUE(in.Skip());
    EXPECT_TRUE(in.Unsigned(10, number));
    EXPECT_EQ(number, 7u);
    EXPECT_FALSE(in.Skip());
    for (size_t length = 0; length + 1 < bytes.size(); ++length) {
      EXPECT_FALSE(MsgpackReader(std::string_view(bytes).substr(0, length)).Skip());
    }
  }
}

TEST(MsgpackReaderTest, RefusesTheByteThatMeansNothing) {
  EXPECT_FALSE(MsgpackReader("\xc1").Skip());
  EXPECT_FALSE(MsgpackReader("\x91\xc1").Skip());
}

TEST(MsgpackReaderTest, NestingIsBounded) {
  std::string deep(kMaxMsgpackDepth - 1, '\x91');
  deep.push_back('\xc0');
  EXPECT_TRUE(MsgpackReader(deep).Skip());
  EXPECT_FALSE(MsgpackReader("\x91" + deep).Skip());
  EXPECT_FALSE(MsgpackReader(std::string(1'000'000, '\x91')).Skip());
}

TEST(MsgpackReaderTest, ALengthThatIsALieCostsNothing) {
  for (const char* const hex : {"dbffffffff61", "ddffffffff00", "dfffffffff00", "c9ffffffff01"}) {
    SCOPED_TRACE(hex);
    EXPECT_FALSE(MsgpackReader(FromHex(hex)).Skip());
  }
}

TEST(MsgpackScannerTest, FindsTheEndByteForByte) {
  const std::string value = FromHex("82a161dd0000000205c4020102d9016293c0c2cb3ff0000000000000");
  const std::string bytes = value + "more";
  MsgpackScanner scanner;
  for (size_t length = 0; length < value.size(); ++length) {
    EXPECT_EQ(scanner.Scan(std::string_view(bytes).substr(0, length)), MsgpackRead::kCut);
  }
  EXPECT_EQ(scanner.Scan(bytes), MsgpackRead::kOk);
  EXPECT_EQ(scanner.end(), value.size());
}

TEST(MsgpackMapTest, StopsAtAKeyThatIsNoText) {
  const auto keys = [](const char* hex) {
    const std::string bytes = FromHex(hex);
    MsgpackReader in(bytes);
    std::string seen;
    const bool good = ReadMap(in, [&](std::string_view key) {
      seen += key;
      return in.Skip();
    });
    return seen + (good ? "" : "!");
  };
  EXPECT_EQ(keys("82a16101a16202"), "ab");
  EXPECT_EQ(keys("82a161010502"), "a!");
  EXPECT_EQ(keys("82a16101a162"), "ab!");
  EXPECT_EQ(keys("9101"), "!");
  EXPECT_EQ(keys("80"), "");
}

}  // namespace
}  // namespace lb::controlplane::swim
