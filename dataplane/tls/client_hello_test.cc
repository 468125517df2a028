#include "dataplane/tls/client_hello.h"

#include <openssl/err.h>

#include <string>
#include <vector>

#include "dataplane/tls/test_hello.h"
#include "gtest/gtest.h"

namespace lb::dataplane::tls {
namespace {

using namespace std::string_literals;
using State = ParsedHello::State;

std::string NameIn(const std::string& bytes) {
  const ParsedHello parsed = ParseClientHello(bytes);
  return parsed.state == State::kHello ? parsed.server_name : "no ClientHello";
}

TEST(ClientHelloTest, TellsTheNameAndTheProtocolsThatAClientAsksFor) {
  const ParsedHello parsed =
      ParseClientHello(ClientHelloFor("Web.Example.COM", {"h2", "http/1.1"}));
  ASSERT_EQ(parsed.state, State::kHello);
  EXPECT_EQ(parsed.server_name, "web.example.com");
  EXPECT_EQ(parsed.alpn, (std::vector<std::string>{"h2", "http/1.1"}));
  const ParsedHello nameless = ParseClientHello(ClientHelloFor(""));
  EXPECT_EQ(nameless.state, State::kHello);
  EXPECT_EQ(nameless.server_name, "");
  EXPECT_TRUE(nameless.alpn.empty());
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(ClientHelloTest, EveryPartOfOneNeedsMore) {
  const std::string whole = ClientHelloFor("web.example");
  for (const std::string& bytes : {whole, InRecordsOf(1, whole), InRecordsOf(100, whole)}) {
    for (size_t i = 0; i < bytes.size(); ++i)
      ASSERT_EQ(ParseClientHello(bytes.substr(0, i)).state, State::kNeedMore) << i;
    EXPECT_EQ(NameIn(bytes), "web.example");
  }
}

TEST(ClientHelloTest, WhatFollowsIsNotLookedAt) {
  const std::string whole = ClientHelloFor("web.example");
  EXPECT_EQ(NameIn(whole + "\x14\x03\x03\0\1\1"s), "web.example");
  EXPECT_EQ(NameIn(whole + std::string(20'000, 'x')), "web.example");
}

TEST(ClientHelloTest, ItMayBeAsLargeAsTheBoundAndNoLarger) {
  EXPECT_EQ(NameIn(ClientHelloWith({{"web.example"}}, 1'700)), "web.example");  // Post-quantum.
  const size_t rest = ClientHelloWith({{"web.example"}}).size();
  const std::string largest = ClientHelloWith({{"web.example"}}, kMaxClientHelloBytes - rest);
  ASSERT_EQ(largest.size(), kMaxClientHelloBytes);
  EXPECT_EQ(NameIn(largest), "web.example");
  const std::string larger = ClientHelloWith({{"web.example"}}, kMaxClientHelloBytes - rest + 1);
  EXPECT_EQ(ParseClientHello(larger.substr(0, kMaxClientHelloBytes)).state, State::kBad);
  // Known from the length that the first bytes tell.
  EXPECT_EQ(ParseClientHello("\x16\x03\x01\x40\0\x01\x01\0\0"s).state, State::kBad);
  const std::string tiny_records = InRecordsOf(1, ClientHelloWith({{"web.example"}}, 3'000));
  EXPECT_EQ(ParseClientHello(tiny_records.substr(0, kMaxClientHelloBytes)).state, State::kBad);
}

TEST(ClientHelloTest, WhatIsNoTlsIsKnownByItsFirstBytes) {
  for (const std::string& bytes : {"G"s, "GET / HTTP/1.1\r\n\r\n"s, "SSH-2.0-x\r\n"s, "\0"s,
                                   "\x16\x02"s, "\x15\x03\x01\0\2\2\x50"s, "\x16\x03\x01\0\0"s,
                                   "\x16\x03\x01\0\1\2"s, "\x80\x2e\x01\x03\x01"s}) {
    const ParsedHello parsed = ParseClientHello(bytes);
    EXPECT_EQ(parsed.state, State::kBad) << bytes;
    EXPECT_NE(parsed.why, nullptr);
  }
}

TEST(ClientHelloTest, AMalformedOneIsBad) {
  const std::string whole = ClientHelloFor("web.example");
  std::string cut = whole;
  cut[8] = static_cast<char>(cut[8] - 1);  // The length of the message, of which a byte is left.
  EXPECT_EQ(ParseClientHello(cut).state, State::kBad);
  std::string session_id = whole;
  session_id[43] = '\xff';
  EXPECT_EQ(ParseClientHello(session_id).state, State::kBad);
  EXPECT_EQ(ParseClientHello("\x16\x03\x01\0\4\1\0\0\0"s).state, State::kBad);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(ClientHelloTest, WhatIsNoHostNameAsksForNobody) {
  const std::string longest = std::string(63, 'a') + "." + std::string(63, 'b') + "." +
                              std::string(63, 'c') + "." + std::string(63, 'd');
  EXPECT_EQ(NameIn(ClientHelloWith({{longest}})), longest);
  for (const std::vector<NameEntry>& names :
       std::vector<std::vector<NameEntry>>{{},
                                           {{""}},
                                           {{"web\0.example"s}},
                                           {{"192.0.2.1"}},
                                           {{"2001:db8::1"}},
                                           {{"web example"}},
                                           {{"w\xc3\xa4.example"}},
                                           {{"."}},
                                           {{longest + ".e"}},
                                           {{"web.example", 1}},
                                           {{"a.example"}, {"b.example"}}})
    EXPECT_EQ(NameIn(ClientHelloWith(names)), "") << (names.empty() ? "none" : names[0].name);
}

TEST(ClientHelloTest, ANameIsLowerCaseWithoutADotAtTheEnd) {
  EXPECT_EQ(CanonicalServerName("A.Example."), "a.example");
  EXPECT_EQ(CanonicalServerName("_x-1.example"), "_x-1.example");
  EXPECT_EQ(CanonicalServerName("10.example.1"), "10.example.1");
  EXPECT_EQ(CanonicalServerName("10.0.0.1"), "");
}

}  // namespace
}  // namespace lb::dataplane::tls
