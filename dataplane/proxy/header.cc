#include "dataplane/proxy/header.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace lb::dataplane::proxy {
namespace {

constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

Address Address::FromIpv4(const uint8_t* bytes, uint16_t port) {
  Address address;
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), address.ip.begin());
  std::copy(bytes, bytes + 4, address.ip.begin() + kMappedPrefix.size());
  address.port = port;
  return address;
}

Address Address::From(const SocketAddress& address) {
  if (address.family() == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address.storage, sizeof in);
    uint8_t bytes[4];
    std::memcpy(bytes, &in.sin_addr, sizeof bytes);
    return FromIpv4(bytes, ntohs(in.sin_port));
  }
  LB_CHECK(address.family() == AF_INET6);
  sockaddr_in6 in{};
  std::memcpy(&in, &address.storage, sizeof in);
  Address out;
  std::memcpy(out.ip.data(), &in.sin6_addr, out.ip.size());
  out.port = ntohs(in.sin6_port);
  return out;
}

bool Address::IsIpv4() const {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), ip.begin());
}

SocketAddress Address::ToSocketAddress() const {
  SocketAddress out;
  if (IsIpv4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, &ip[kMappedPrefix.size()], sizeof in.sin_addr);
    std::memcpy(&out.storage, &in, sizeof in);
    out.length = sizeof in;
    return out;
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  std::memcpy(&in.sin6_addr, ip.data(), ip.size());
  std::memcpy(&out.storage, &in, sizeof in);
  out.length = sizeof in;
  return out;
}

}  // namespace lb::dataplane::proxy
