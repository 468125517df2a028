#include "dataplane/limit/client_prefix.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace lb::dataplane {
namespace {

constexpr uint64_t kIpv4 = uint64_t{0xffff} << 32;

uint64_t Leading(uint64_t bits, uint32_t width, uint32_t length) {
  return length == 0 ? 0 : bits >> (width - length) << (width - length);
}

ClientPrefix OfIpv4(const uint8_t* bytes, const PrefixLengths& lengths) {
  uint32_t address = 0;
  std::memcpy(&address, bytes, sizeof address);
  return kIpv4 | Leading(ntohl(address), 32, lengths.ipv4);
}

}  // namespace

ClientPrefix PrefixOf(const SocketAddress& address, const PrefixLengths& lengths) {
  if (address.family() == AF_INET) {
    const auto* ipv4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    return OfIpv4(reinterpret_cast<const uint8_t*>(&ipv4->sin_addr), lengths);
  }
  if (address.family() != AF_INET6) return 0;
  const uint8_t* bytes = reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr.s6_addr;
  if (IN6_IS_ADDR_V4MAPPED(reinterpret_cast<const in6_addr*>(bytes)))
    return OfIpv4(bytes + 12, lengths);
  uint64_t high = 0;
  for (int i = 0; i < 8; ++i) high = high << 8 | bytes[i];
  return Leading(high, 64, lengths.ipv6);
}

std::string PrefixText(ClientPrefix prefix, const PrefixLengths& lengths) {
  char text[INET6_ADDRSTRLEN];
  if (prefix >> 32 == 0xffff) {
    const uint32_t address = htonl(static_cast<uint32_t>(prefix));
    LB_CHECK(inet_ntop(AF_INET, &address, text, sizeof text) != nullptr);
    return lengths.ipv4 == 32 ? text : absl::StrCat(text, "/", lengths.ipv4);
  }
  std::array<uint8_t, 16> bytes{};
  for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<uint8_t>(prefix >> (56 - 8 * i));
  LB_CHECK(inet_ntop(AF_INET6, bytes.data(), text, sizeof text) != nullptr);
  return absl::StrCat(text, "/", lengths.ipv6);
}

}  // namespace lb::dataplane
