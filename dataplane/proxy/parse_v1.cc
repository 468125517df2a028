// Version 1: one line of text, "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n" (proxy-protocol.txt
// 2.1).
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "dataplane/proxy/versions.h"

namespace lb::dataplane::proxy {
namespace {

constexpr size_t kWords = 6;

// The words of a line between single spaces; nullopt unless there are as many.
std::optional<std::array<std::string_view, kWords>> Split(std::string_view line) {
  std::array<std::string_view, kWords> words;
  for (size_t i = 0; i < kWords; ++i) {
    const size_t space = line.find(' ');
    if ((space == std::string_view::npos) != (i + 1 == kWords)) return std::nullopt;
    words[i] = line.substr(0, space);
    line.remove_prefix(i + 1 == kWords ? line.size() : space + 1);
  }
  return words;
}

std::optional<uint16_t> Port(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text.front() == '0'))
    return std::nullopt;
  uint32_t port = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    port = port * 10 + static_cast<uint32_t>(c - '0');
  }
  if (port > UINT16_MAX) return std::nullopt;
  return static_cast<uint16_t>(port);
}

std::optional<Address> ReadAddress(int family, std::string_view ip, std::string_view port_text) {
  const std::optional<uint16_t> port = Port(port_text);
  uint8_t bytes[16];
  if (!port || inet_pton(family, std::string(ip).c_str(), bytes) != 1) return std::nullopt;
  if (family == AF_INET) return Address::FromIpv4(bytes, *port);
  Address address;
  std::copy(std::begin(bytes), std::end(bytes), address.ip.begin());
  address.port = *port;
  return address;
}

}  // namespace

Parsed ParseV1(std::string_view bytes) {
  const size_t end = bytes.substr(0, kMaxV1Bytes).find('\n');
  if (end == std::string_view::npos)
    return bytes.size() < kMaxV1Bytes ? Parsed() : Parsed::Bad("a line above 107 bytes");
  if (bytes[end - 1] != '\r') return Parsed::Bad("a line that does not end with CR LF");
  const std::string_view line = bytes.substr(0, end - 1);
  // inet_pton would stop there.
  if (line.find('\0') != std::string_view::npos) return Parsed::Bad("a zero byte");
  Parsed parsed;
  parsed.state = Parsed::State::kHeader;
  parsed.bytes = end + 1;
  constexpr std::string_view kUnknown = "PROXY UNKNOWN";
  if (line == kUnknown || line.substr(0, kUnknown.size() + 1) == "PROXY UNKNOWN ") return parsed;
  const auto words = Split(line);
  if (!words) return Parsed::Bad("not six words");
  const std::string_view protocol = (*words)[1];
  if (protocol != "TCP4" && protocol != "TCP6") return Parsed::Bad("an unknown protocol");
  const int family = protocol == "TCP4" ? AF_INET : AF_INET6;
  const std::optional<Address> source = ReadAddress(family, (*words)[2], (*words)[4]);
  const std::optional<Address> destination = ReadAddress(family, (*words)[3], (*words)[5]);
  if (!source || !destination) return Parsed::Bad("a malformed address or port");
  parsed.header.has_addresses = true;
  parsed.header.source = *source;
  parsed.header.destination = *destination;
  return parsed;
}

}  // namespace lb::dataplane::proxy
