#include "dataplane/access/access_list.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/cidr.h"
#include "base/prng.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

using Networks = AccessList::Networks;

SocketAddress At(const std::string& ip) { return Endpoint::FromIp(ip, 1)->ToSocketAddress(); }

SocketAddress V4(uint32_t address) {
  SocketAddress out;
  auto& in = reinterpret_cast<sockaddr_in&>(out.storage);
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(address);
  out.length = sizeof in;
  return out;
}

// 2001:db8::/32 and these bits behind it.
SocketAddress V6(uint64_t high, uint64_t low) {
  SocketAddress out;
  auto& in = reinterpret_cast<sockaddr_in6&>(out.storage);
  in.sin6_family = AF_INET6;
  for (int i = 0; i < 8; ++i) {
    in.sin6_addr.s6_addr[i] = static_cast<uint8_t>(high >> (56 - 8 * i));
    in.sin6_addr.s6_addr[8 + i] = static_cast<uint8_t>(low >> (56 - 8 * i));
  }
  out.length = sizeof in;
  return out;
}

bool Allows(const Networks& networks, const std::string& ip) {
  const absl::StatusOr<AccessList> list = AccessList::Make(networks);
  EXPECT_TRUE(list.ok()) << list.status();
  return list->Allows(At(ip));
}

TEST(AccessListTest, AnAllowListRefusesAllOthers) {
  const Networks networks{.allow = {"10.0.0.0/8", "fd00::/8"}, .deny = {}};
  EXPECT_TRUE(Allows(networks, "10.255.255.255"));
  EXPECT_FALSE(Allows(networks, "11.0.0.0"));
  EXPECT_FALSE(Allows(networks, "9.255.255.255"));
  EXPECT_TRUE(Allows(networks, "fd12::1"));
  EXPECT_FALSE(Allows(networks, "fe00::1"));
}

TEST(AccessListTest, ADenyListLetsAllOthersIn) {
  const Networks networks{.allow = {}, .deny = {"192.0.2.7", "2001:db8::/32"}};
  EXPECT_FALSE(Allows(networks, "192.0.2.7"));
  EXPECT_TRUE(Allows(networks, "192.0.2.6"));
  EXPECT_TRUE(Allows(networks, "192.0.2.8"));
  EXPECT_FALSE(Allows(networks, "2001:db8:ffff::1"));
  EXPECT_TRUE(Allows(networks, "2001:db9::"));
}

TEST(AccessListTest, TheLongestNetworkDecides) {
  const Networks networks{.allow = {"10.0.0.0/8", "10.1.2.0/24", "10.1.0.0/32"},
                          .deny = {"10.1.0.0/16", "10.1.2.3", "0.0.0.0/0"}};
  EXPECT_TRUE(Allows(networks, "10.2.0.1"));
  EXPECT_FALSE(Allows(networks, "10.1.3.1"));
  EXPECT_TRUE(Allows(networks, "10.1.2.4"));
  EXPECT_FALSE(Allows(networks, "10.1.2.3"));
  EXPECT_TRUE(Allows(networks, "10.1.0.0"));
  EXPECT_FALSE(Allows(networks, "10.1.0.1"));
  EXPECT_FALSE(Allows(networks, "8.8.8.8"));
}

TEST(AccessListTest, Ipv4AndIpv6NetworksAreApart) {
  const Networks everybody6{.allow = {}, .deny = {"::/0"}};
  EXPECT_FALSE(Allows(everybody6, "fd00::1"));
  EXPECT_TRUE(Allows(everybody6, "10.0.0.1"));
  const absl::StatusOr<AccessList> list = AccessList::Make({.allow = {"10.0.0.0/8"}, .deny = {}});
  ASSERT_TRUE(list.ok());
  EXPECT_TRUE(list->Allows(V6(0, 0xffff0a000001)));  // ::ffff:10.0.0.1
  EXPECT_FALSE(list->Allows(V6(0, 0xffff0b000001)));
  EXPECT_TRUE(Allows({.allow = {"::ffff:10.0.0.0/104"}, .deny = {}}, "10.0.0.1"));
}

TEST(AccessListTest, TheEndsOfTheAddressSpaceAreInIt) {
  const Networks networks{.allow = {"0.0.0.0", "255.255.255.255", "::", "ffff::/16"}, .deny = {}};
  for (const char* ip :
       {"0.0.0.0", "255.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"})
    EXPECT_TRUE(Allows(networks, ip)) << ip;
  for (const char* ip : {"0.0.0.1", "255.255.255.254", "::1", "fffe::"})
    EXPECT_FALSE(Allows(networks, ip)) << ip;
}

TEST(AccessListTest, SaysWhatIsWrong) {
  const auto message = [](const Networks& networks) {
    return std::string(AccessList::Make(networks).status().message());
  };
  EXPECT_EQ(message({.allow = {"10.0.0.0/8"}, .deny = {"10.0.0.0/8"}}),
            "'10.0.0.0/8' is in the allow and in the deny list");
  EXPECT_EQ(message({.allow = {"10.0.0.1"}, .deny = {"10.0.0.1/32"}}),
            "'10.0.0.1/32' is in the allow and in the deny list");
  EXPECT_EQ(message({.allow = {"10.0.0.1/8"}, .deny = {}}),
            "'10.0.0.1/8' has bits set behind its prefix");
  EXPECT_EQ(message({.allow = std::vector<std::string>(AccessList::kMaxNetworks, "10.0.0.1"),
                     .deny = {"10.0.0.2"}}),
            "100001 networks; at most 100000");
  EXPECT_TRUE(AccessList::Make({.allow = {"10.0.0.0/8", "10.0.0.0/8"}, .deny = {}}).ok());
}

// Against the definition: look at every network, take the longest.
TEST(AccessListTest, AgreesWithALookAtEveryNetwork) {
  Prng random(7);
  for (int round = 0; round < 200; ++round) {
    Networks networks;
    std::vector<std::pair<Cidr, bool>> all;
    for (uint64_t i = random.Below(30); i > 0; --i) {
      // Few bits vary, so that networks lie within each other and touch.
      const auto bits = static_cast<unsigned>(random.Below(9));
      const uint64_t value = random.Below(256) & (0xff00u >> bits);
      const bool v6 = random.Chance(1, 2);
      const std::string text = v6 ? absl::StrCat("2001:db8::", absl::Hex(value), "/", 120 + bits)
                                  : absl::StrCat("10.0.0.", value, "/", 24 + bits);
      const Cidr cidr = Cidr::Parse(text).value();
      const bool known = std::any_of(all.begin(), all.end(),
                                     [&](const auto& other) { return other.first == cidr; });
      if (known) continue;
      all.emplace_back(cidr, random.Chance(1, 2));
      (all.back().second ? networks.allow : networks.deny).push_back(text);
    }
    const AccessList list = AccessList::Make(networks).value();
    for (uint32_t host = 0; host < 512; ++host) {
      const SocketAddress client =
          host < 256 ? V4(0x0a000000 + host) : V6(0x20010db800000000, host - 256);
      bool wanted = networks.allow.empty();
      std::optional<unsigned> longest;
      for (const auto& [cidr, allowed] : all) {
        if (!cidr.Contains(client) || (longest && *longest >= cidr.bits())) continue;
        longest = cidr.bits();
        wanted = allowed;
      }
      ASSERT_EQ(list.Allows(client), wanted) << round << " " << host;
    }
  }
}

}  // namespace
}  // namespace lb::dataplane
