#include "dataplane/proxy/parse.h"

#include <string>

#include "dataplane/proxy/crc32c.h"
#include "dataplane/proxy/tlv.h"
#include "dataplane/proxy/write.h"
#include "gtest/gtest.h"

namespace lb::dataplane::proxy {
namespace {

using State = Parsed::State;
using namespace std::string_literals;

std::string Text(const Address& address) {
  return Endpoint::FromSocketAddress(address.ToSocketAddress()).value().ToString();
}

Address At(const std::string& endpoint) {
  return Address::From(Endpoint::Parse(endpoint, Endpoint::PortZero::kAllow)->ToSocketAddress());
}

std::string V2(char version_command, char family, const std::string& block) {
  std::string out = "\r\n\r\n\0\r\nQUIT\n"s;
  out += version_command;
  out += family;
  out += static_cast<char>(block.size() >> 8);
  out += static_cast<char>(block.size() & 0xff);
  return out + block;
}

const std::string kIpv4Block = "\xc0\x00\x02\x01\xc0\x00\x02\x02\xdc\x04\x01\xbb"s;

std::string Extension(uint8_t type, const std::string& value) {
  std::string out(1, static_cast<char>(type));
  out += static_cast<char>(value.size() >> 8);
  out += static_cast<char>(value.size() & 0xff);
  return out + value;
}

// A header with a right checksum, in its last extension.
std::string WithChecksum(const std::string& extensions) {
  std::string header =
      V2('\x21', '\x11', kIpv4Block + extensions + Extension(kTlvCrc32c, "\0\0\0\0"s));
  const uint32_t crc = Crc32c(header);
  for (size_t i = 0; i < 4; ++i)
    header[header.size() - 4 + i] = static_cast<char>(crc >> (24 - 8 * i));
  return header;
}

void ExpectBad(const std::string& bytes) {
  const Parsed parsed = Parse(bytes);
  EXPECT_EQ(parsed.state, State::kBad) << bytes;
  EXPECT_NE(parsed.why, nullptr);
}

TEST(ParseTest, ReadsWhatTheSpecificationShows) {
  const std::string line = "PROXY TCP4 255.255.255.255 192.0.2.2 65535 443\r\n";
  const Parsed parsed = Parse(line + "GET /");
  ASSERT_EQ(parsed.state, State::kHeader);
  EXPECT_EQ(parsed.bytes, line.size());
  EXPECT_TRUE(parsed.header.has_addresses);
  EXPECT_EQ(Text(parsed.header.source), "255.255.255.255:65535");
  EXPECT_EQ(Text(parsed.header.destination), "192.0.2.2:443");
  const Parsed v6 = Parse("PROXY TCP6 2001:db8::1 ::1 56324 443\r\n");
  ASSERT_EQ(v6.state, State::kHeader);
  EXPECT_EQ(Text(v6.header.source), "[2001:db8::1]:56324");
}

TEST(ParseTest, AnUnknownV1ClientIsTheSocketsOwn) {
  for (const char* line : {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 whatever 65535 65535\r\n"}) {
    const Parsed parsed = Parse(line);
    ASSERT_EQ(parsed.state, State::kHeader) << line;
    EXPECT_FALSE(parsed.header.has_addresses);
  }
}

TEST(ParseTest, ReadsVersion2) {
  const Parsed parsed = Parse(V2('\x21', '\x11', kIpv4Block) + "more");
  ASSERT_EQ(parsed.state, State::kHeader);
  EXPECT_EQ(parsed.bytes, 28u);
  EXPECT_EQ(Text(parsed.header.source), "192.0.2.1:56324");
  EXPECT_EQ(Text(parsed.header.destination), "192.0.2.2:443");
}

TEST(ParseTest, LocalAndForeignFamiliesMeanTheSocketsOwnAddresses) {
  const std::string unix_block(216, 'x');
  for (const std::string& bytes :
       {V2('\x20', '\x00', ""), V2('\x20', '\x11', kIpv4Block + "no extension"),
        V2('\x21', '\x00', ""), V2('\x21', '\x31', unix_block), V2('\x21', '\x12', kIpv4Block)}) {
    const Parsed parsed = Parse(bytes);
    ASSERT_EQ(parsed.state, State::kHeader);
    EXPECT_EQ(parsed.bytes, bytes.size());
    EXPECT_FALSE(parsed.header.has_addresses);
  }
}

TEST(ParseTest, KeepsExtensionsReadable) {
  const std::string ssl = "\x01\0\0\0\0"s + Extension(kTlvSslVersion, "TLSv1.3") +
                          Extension(kTlvSslCommonName, "client");
  const std::string extensions = Extension(kTlvAuthority, "example.com") +
                                 Extension(kTlvUniqueId, "id-1") + Extension(0xe0, "ours") +
                                 Extension(kTlvSsl, ssl);
  const Parsed parsed = Parse(WithChecksum(extensions));
  ASSERT_EQ(parsed.state, State::kHeader) << parsed.why;
  const std::string& tlvs = parsed.header.tlvs;
  EXPECT_EQ(FindTlv(tlvs, kTlvAuthority), "example.com");
  EXPECT_EQ(FindTlv(tlvs, kTlvUniqueId), "id-1");
  EXPECT_EQ(FindTlv(tlvs, 0xe0), "ours");
  EXPECT_EQ(FindTlv(tlvs, kTlvAlpn), std::nullopt);
  EXPECT_EQ(FindTlv(SslTlvs(*FindTlv(tlvs, kTlvSsl)), kTlvSslCommonName), "client");
}

TEST(ParseTest, AWrongChecksumIsRefused) {
  std::string header = WithChecksum(Extension(kTlvAuthority, "example.com"));
  ASSERT_EQ(Parse(header).state, State::kHeader);
  header[16] ^= 1;  // The client's address.
  ExpectBad(header);
}

// RFC 3720 B.4, and the check value of the catalogue of CRCs.
TEST(ParseTest, TheChecksumIsCrc32c) {
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(Crc32c("6789", Crc32c("12345")), 0xE3069283u);
}

TEST(ParseTest, APartOfAHeaderIsNeverOneAndNeverBad) {
  for (const std::string& whole :
       {"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"s, "PROXY UNKNOWN\r\n"s,
        WithChecksum(Extension(kTlvAuthority, "example.com")), V2('\x20', '\0', "")}) {
    for (size_t bytes = 0; bytes < whole.size(); ++bytes)
      EXPECT_EQ(Parse(whole.substr(0, bytes)).state, State::kNeedMore) << bytes;
    EXPECT_EQ(Parse(whole).state, State::kHeader);
  }
}

TEST(ParseTest, WhatIsNoHeaderIsRefusedAtItsFirstWrongByte) {
  ExpectBad("G");
  ExpectBad("PROXX");
  ExpectBad("proxy ");
  ExpectBad("\r\n\r\nX");
  ExpectBad("\x16\x03\x01");
}

TEST(ParseTest, MalformedV1IsRefused) {
  for (const char* rest :
       {"TCP4 1.2.3.4 5.6.7.8 1 2\n", "TCP4  1.2.3.4 5.6.7.8 1 2\r\n", "TCP4 1.2.3.4 5.6.7.8 1\r\n",
        "TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n", "TCP4 1.2.3.4 5.6.7.8 1 2 \r\n",
        "tcp4 1.2.3.4 5.6.7.8 1 2\r\n", "TCP5 1.2.3.4 5.6.7.8 1 2\r\n", "TCP4 ::1 5.6.7.8 1 2\r\n",
        "TCP6 1.2.3.4 ::1 1 2\r\n", "TCP4 1.2.3 5.6.7.8 1 2\r\n", "TCP4 01.2.3.4 5.6.7.8 1 2\r\n",
        "TCP4 1.2.3.4 5.6.7.8 01 2\r\n", "TCP4 1.2.3.4 5.6.7.8 65536 2\r\n",
        "TCP4 1.2.3.4 5.6.7.8 -1 2\r\n", "TCP4 1.2.3.4 5.6.7.8 +1 2\r\n",
        "TCP4 1.2.3.4 5.6.7.8  2\r\n", "UNKNOWNX\r\n", "\r\n", "TCP6 fe80::1%lo ::1 1 2\r\n"})
    ExpectBad("PROXY "s + rest);
  ExpectBad("PROXY UNKNOWN "s + std::string(kMaxV1Bytes, 'x'));
  ExpectBad("PROXY TCP4 1.2.3.4\0x 5.6.7.8 1 2\r\n"s);
}

TEST(ParseTest, MalformedV2IsRefused) {
  ExpectBad(V2('\x11', '\x11', kIpv4Block));  // Version 1 in the form of version 2.
  ExpectBad(V2('\x22', '\x11', kIpv4Block));
  ExpectBad(V2('\x21', '\x41', kIpv4Block));
  ExpectBad(V2('\x21', '\x13', kIpv4Block));
  ExpectBad(V2('\x21', '\x11', kIpv4Block.substr(1)));
  ExpectBad(V2('\x21', '\x21', kIpv4Block));  // IPv6 takes more.
  ExpectBad(V2('\x21', '\x11', kIpv4Block + "\x01"));
  ExpectBad(V2('\x21', '\x11', kIpv4Block + "\x01\x00\x05http"s));
  ExpectBad(V2('\x21', '\x11', kIpv4Block + Extension(kTlvCrc32c, "123")));
  ExpectBad(V2('\x21', '\x11', kIpv4Block + Extension(kTlvSsl, "1234")));
  ExpectBad(V2('\x21', '\x11', kIpv4Block + Extension(kTlvSsl, "12345\x21")));
  ExpectBad(V2('\x21', '\x11', kIpv4Block + Extension(kTlvUniqueId, std::string(129, 'u'))));
  const std::string twice = Extension(kTlvCrc32c, "1234") + Extension(kTlvCrc32c, "1234");
  ExpectBad(V2('\x21', '\x11', kIpv4Block + twice));
}

TEST(ParseTest, TheSizeIsBounded) {
  const size_t room = kMaxHeaderBytes - kV2HeadBytes - kIpv4Block.size() - kTlvHeadBytes;
  const auto header = [](size_t bytes) {
    return V2('\x21', '\x11', kIpv4Block + Extension(kTlvNoop, std::string(bytes, 'n')));
  };
  EXPECT_EQ(Parse(header(room)).state, State::kHeader);
  ExpectBad(header(room + 1).substr(0, kV2HeadBytes));
}

TEST(WriteTest, WhatIsWrittenIsRead) {
  const std::pair<Address, Address> pairs[] = {
      {At("192.0.2.1:1"), At("192.0.2.2:65535")},
      {At("[2001:db8::1]:5"), At("[::1]:6")},
      {At("192.0.2.1:1"), At("[2001:db8::1]:5")},
      {At("0.0.0.0:0"), At("255.255.255.255:65535")},
  };
  for (const auto& [source, destination] : pairs) {
    for (const Version version : {Version::k1, Version::k2}) {
      const std::string bytes = WriteHeader(version, source, destination);
      const Parsed parsed = Parse(bytes);
      ASSERT_EQ(parsed.state, State::kHeader) << bytes;
      EXPECT_EQ(parsed.bytes, bytes.size());
      EXPECT_EQ(parsed.header.source, source);
      EXPECT_EQ(parsed.header.destination, destination);
    }
  }
  EXPECT_EQ(WriteHeader(Version::k1, At("192.0.2.1:1"), At("192.0.2.2:2")),
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n");
  EXPECT_EQ(WriteHeader(Version::kNone, At("192.0.2.1:1"), At("192.0.2.2:2")), "");
}

}  // namespace
}  // namespace lb::dataplane::proxy
