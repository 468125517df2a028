#include "base/cidr.h"

#include <gtest/gtest.h>

namespace lb {
namespace {

SocketAddress Address(const char* text) { return Endpoint::Parse(text)->ToSocketAddress(); }

TEST(CidrTest, ContainsWhatSharesThePrefix) {
  const Cidr net = Cidr::Parse("10.1.128.0/17").value();
  EXPECT_TRUE(net.Contains(Address("10.1.128.0:1")));
  EXPECT_TRUE(net.Contains(Address("10.1.255.255:1")));
  EXPECT_FALSE(net.Contains(Address("10.1.127.255:1")));
  EXPECT_FALSE(net.Contains(Address("10.2.128.0:1")));
  EXPECT_FALSE(net.Contains(Address("unix:/run/a.sock")));
}

TEST(CidrTest, OneAddressIsARange) {
  const Cidr one = Cidr::Parse("fd00::1").value();
  EXPECT_TRUE(one.Contains(Address("[fd00::1]:9")));
  EXPECT_FALSE(one.Contains(Address("[fd00::2]:9")));
}

TEST(CidrTest, Ipv4ClientsOfAnIpv6SocketAreIpv4) {
  const Cidr net = Cidr::Parse("10.0.0.0/8").value();
  SocketAddress mapped;
  auto& in = reinterpret_cast<sockaddr_in6&>(mapped.storage);
  in.sin6_family = AF_INET6;
  in.sin6_addr.s6_addr[10] = in.sin6_addr.s6_addr[11] = 0xff;
  in.sin6_addr.s6_addr[12] = 10;
  EXPECT_TRUE(net.Contains(mapped));
  EXPECT_FALSE(Cidr::Parse("fd00::/8").value().Contains(mapped));
  EXPECT_FALSE(Cidr::Parse("::/0").value().Contains(mapped));
}

TEST(CidrTest, EverythingIsInARangeOfNoBits) {
  EXPECT_TRUE(Cidr::Parse("0.0.0.0/0").value().Contains(Address("192.0.2.1:1")));
  EXPECT_FALSE(Cidr::Parse("0.0.0.0/0").value().Contains(Address("[fd00::1]:1")));
  EXPECT_TRUE(Cidr::Parse("::/0").value().Contains(Address("[fd00::1]:1")));
  EXPECT_FALSE(Cidr::Parse("::/0").value().Contains(Address("192.0.2.1:1")));
}

TEST(CidrTest, TextAndValueAreOne) {
  EXPECT_EQ(Cidr::Parse("10.0.0.1").value().ToString(), "10.0.0.1/32");
  EXPECT_EQ(Cidr::Parse("FD00:0::/16").value().ToString(), "fd00::/16");
  EXPECT_EQ(Cidr::Parse("::/0").value().ToString(), "::/0");
  const Cidr mapped = Cidr::Parse("::ffff:10.0.0.0/104").value();
  EXPECT_EQ(mapped.ToString(), "10.0.0.0/8");
  EXPECT_EQ(mapped, Cidr::Parse("10.0.0.0/8").value());
  EXPECT_TRUE(mapped.IsIpv4());
  EXPECT_FALSE(Cidr::Parse("::/0").value().IsIpv4());
}

TEST(CidrTest, SaysWhatIsWrong) {
  for (const char* bad : {"", "10.0.0.0/33", "10.0.0.0/x", "10.0.0.0/", "web-1/8", "10.0.0.1/8",
                          "fd00::/129", "10.0.0/8"}) {
    const auto parsed = Cidr::Parse(bad);
    ASSERT_FALSE(parsed.ok()) << bad;
    EXPECT_NE(parsed.status().message().find(bad), std::string::npos) << parsed.status();
  }
}

}  // namespace
}  // namespace lb
