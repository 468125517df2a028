// What a look into a large access list costs. Its figures are for docs/operations.md; it fails only
// where a look has become another order of magnitude.

#include <arpa/inet.h>
#include <netinet/in.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/prng.h"
#include "dataplane/access/access_list.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

using Networks = AccessList::Networks;

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

// What 50,000 networks cost: printed, and bounded far above what any machine takes.
TEST(AccessListCost, FiftyThousandNetworksAreOneFastLook) {
  constexpr size_t kNetworks = 50'000;
  constexpr int kLooks = 1'000'000;
  for (const bool v6 : {false, true}) {
    Prng random(11);
    // Half of the networks there are: 17 bits of them behind a common start.
    const auto network = [&](uint64_t bits) {
      return v6 ? absl::StrCat("2001:db8:", absl::Hex(bits >> 16 & 1), ":",
                               absl::Hex(bits & 0xffff), "::/64")
                : absl::StrCat("10.", bits >> 8 & 0xff, ".", bits & 0xff, ".",
                               (bits >> 16 & 1) * 128, "/25");
    };
    const auto client = [&](uint64_t bits) {
      return v6 ? V6(0x20010db800000000 | (bits & 0x1ffff), 1)
                : V4(0x0a000000 | static_cast<uint32_t>(bits & 0xffffff));
    };
    Networks networks;
    while (networks.deny.size() < kNetworks) networks.deny.push_back(network(random.Next()));
    const auto begin = std::chrono::steady_clock::now();
    const AccessList list = AccessList::Make(networks).value();
    const auto made = std::chrono::steady_clock::now();
    std::vector<SocketAddress> clients;
    for (int i = 0; i < 65'536; ++i) clients.push_back(client(random.Next()));
    int refused = 0;
    const auto looked = std::chrono::steady_clock::now();
    for (size_t i = 0; i < kLooks; ++i) refused += list.Allows(clients[i % clients.size()]) ? 0 : 1;
    const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - looked;
    std::printf("%zu %s networks: made in %lld ms, %zu bytes, %lld ns a look, %d refused\n",
                kNetworks, v6 ? "IPv6" : "IPv4",
                static_cast<long long>((made - begin) / std::chrono::milliseconds(1)), list.bytes(),
                static_cast<long long>(took.count() / kLooks), refused);
    EXPECT_GT(refused, kLooks / 4);
    EXPECT_LT(refused, kLooks / 2);
    EXPECT_LE(list.bytes(), (2 * kNetworks + 1) * (v6 ? 16 : 4) + 16);
    EXPECT_LT(took, std::chrono::microseconds(20) * kLooks);
  }
}

}  // namespace
}  // namespace lb::dataplane
