#include "dataplane/proxy/write.h"

#include <arpa/inet.h>

#include <array>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "dataplane/proxy/versions.h"

namespace lb::dataplane::proxy {
namespace {

constexpr size_t kMappedBytes = 12;  // In front of an IPv4 address in its IPv6 form.

std::string IpText(const Address& address, bool ipv4) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const uint8_t* ip = address.ip.data() + (ipv4 ? kMappedBytes : 0);
  LB_CHECK(inet_ntop(ipv4 ? AF_INET : AF_INET6, ip, text.data(), text.size()) != nullptr);
  return text.data();
}

std::string WriteV1(const Address& source, const Address& destination, bool ipv4) {
  return absl::StrCat("PROXY ", ipv4 ? "TCP4 " : "TCP6 ", IpText(source, ipv4), " ",
                      IpText(destination, ipv4), " ", source.port, " ", destination.port, "\r\n");
}

void AppendNumber(uint16_t number, std::string& out) {
  out += static_cast<char>(number >> 8);
  out += static_cast<char>(number & 0xff);
}

std::string WriteV2(const Address& source, const Address& destination, bool ipv4) {
  std::string out(kV2Signature);
  out += '\x21';                      // Version 2, PROXY.
  out += ipv4 ? '\x11' : '\x21';      // TCP over IPv4 or IPv6.
  AppendNumber(ipv4 ? 12 : 36, out);  // Bytes that follow.
  for (const Address* address : {&source, &destination})
    out.append(reinterpret_cast<const char*>(address->ip.data()) + (ipv4 ? kMappedBytes : 0),
               ipv4 ? 4 : 16);
  AppendNumber(source.port, out);
  AppendNumber(destination.port, out);
  return out;
}

}  // namespace

std::string WriteHeader(Version version, const Address& source, const Address& destination) {
  const bool ipv4 = source.IsIpv4() && destination.IsIpv4();
  switch (version) {
    case Version::kNone:
      return "";
    case Version::k1:
      return WriteV1(source, destination, ipv4);
    case Version::k2:
      return WriteV2(source, destination, ipv4);
  }
  LB_CHECK(false);
}

}  // namespace lb::dataplane::proxy
