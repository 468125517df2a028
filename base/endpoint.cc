#include "base/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstddef>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/check.h"

namespace lb {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr size_t kMaxLabelBytes = 63;       // RFC 1035 2.3.4.
constexpr size_t kMaxQuotedTextBytes = 80;  // Of the bad text, in an error.

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

absl::Status Bad(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(
      "'", absl::CHexEscape(Absl(text.substr(0, kMaxQuotedTextBytes))), "': ", Absl(why)));
}

// Returns the canonical text of an IP address, or "" when it is none. IPv4 in four decimal parts
// only: inet_pton refuses "10.1" and "010.0.0.1".
std::string CanonicalIp(const std::string& host) {
  char buffer[INET6_ADDRSTRLEN];
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1)
    return inet_ntop(AF_INET, &v4, buffer, sizeof buffer);
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) != 1) return "";
  if (IN6_IS_ADDR_V4MAPPED(&v6)) {
    std::memcpy(&v4, &v6.s6_addr[12], sizeof v4);
    return inet_ntop(AF_INET, &v4, buffer, sizeof buffer);
  }
  return inet_ntop(AF_INET6, &v6, buffer, sizeof buffer);
}

bool IsNameByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
}

// RFC 1123 2.1 labels, underscores allowed as in service names. A last label of digits only would
// be a mistyped IPv4 address.
bool IsDnsName(const std::string& name) {
  if (name.empty() || name.size() > Endpoint::kMaxNameBytes) return false;
  bool last_is_number = false;
  for (const absl::string_view label : absl::StrSplit(name, '.')) {
    if (label.empty() || label.size() > kMaxLabelBytes) return false;
    if (label.front() == '-' || label.back() == '-') return false;
    last_is_number = true;
    for (const char c : label) {
      if (!IsNameByte(c)) return false;
      if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) last_is_number = false;
    }
  }
  return !last_is_number;
}

// Digits only (no sign, no space), 0 to 65535; nullopt otherwise.
std::optional<uint16_t> ParsePort(std::string_view text) {
  if (text.empty() || text.size() > 5) return std::nullopt;
  uint32_t port = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    port = port * 10 + static_cast<uint32_t>(c - '0');
  }
  if (port > 65535) return std::nullopt;
  return static_cast<uint16_t>(port);
}

struct HostPort {
  std::string host;
  std::string_view port;
  bool bracketed = false;
};

absl::StatusOr<HostPort> SplitHostPort(std::string_view text) {
  if (!text.empty() && text.front() == '[') {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return Bad(text, "a ']' is missing");
    if (close + 1 >= text.size() || text[close + 1] != ':')
      return Bad(text, "a port is missing; write [ADDRESS]:PORT");
    return HostPort{std::string(text.substr(1, close - 1)), text.substr(close + 2), true};
  }
  if (text.find("://") != std::string_view::npos)
    return Bad(text, "this is a URL; write HOST:PORT without http:// and path");
  if (!text.empty() && text.front() == '/')
    return Bad(text, "a path needs its scheme; write unix:PATH");
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return Bad(text, "a port is missing; write HOST:PORT");
  if (text.find(':') != colon)
    return Bad(text, "an IPv6 address needs brackets; write [ADDRESS]:PORT");
  return HostPort{std::string(text.substr(0, colon)), text.substr(colon + 1), false};
}

}  // namespace

absl::StatusOr<Endpoint> Endpoint::Parse(std::string_view text, PortZero port_zero) {
  Endpoint endpoint;
  if (text.find('\0') != std::string_view::npos) return Bad(text, "it has a zero byte");
  if (absl::StartsWith(Absl(text), Absl(kUnixPrefix))) {
    endpoint.kind_ = Kind::kUnix;
    endpoint.host_ = std::string(text.substr(kUnixPrefix.size()));
    if (endpoint.host_.empty() || endpoint.host_.front() != '/')
      return Bad(text, "a unix socket needs an absolute path; write unix:/PATH");
    if (endpoint.host_.size() >= sizeof(sockaddr_un{}.sun_path))
      return Bad(text, "the path of a unix socket has at most 107 bytes");
    return endpoint;
  }
  if (!text.empty() && text.front() == '_' && text.find(':') == std::string_view::npos) {
    endpoint.kind_ = Kind::kSrv;
    endpoint.host_ = absl::AsciiStrToLower(Absl(text));
    if (!IsDnsName(endpoint.host_) || endpoint.host_.find("._") == std::string::npos)
      return Bad(text, "an SRV name is written _service._proto.name");
    return endpoint;
  }
  absl::StatusOr<HostPort> parts = SplitHostPort(text);
  if (!parts.ok()) return parts.status();
  const std::optional<uint16_t> port = ParsePort(parts->port);
  if (!port.has_value() || (*port == 0 && port_zero == PortZero::kRefuse))
    return Bad(text, "the port must be a number from 1 to 65535");
  endpoint.port_ = *port;
  // inet_pton stops at a zero byte, but none is left here.
  endpoint.host_ = CanonicalIp(parts->host);
  if (!endpoint.host_.empty() && (parts->host.find(':') != std::string::npos) == parts->bracketed)
    return endpoint;
  if (parts->bracketed) return Bad(text, "what stands in brackets is not an IPv6 address");
  endpoint.kind_ = Kind::kName;
  endpoint.host_ = absl::AsciiStrToLower(parts->host);
  // "Unix:80" in its canonical form would be a unix socket.
  if (endpoint.host_ == "unix") return Bad(text, "'unix' is no host name here; write unix:/PATH");
  if (!IsDnsName(endpoint.host_)) return Bad(text, "neither an IP address nor a DNS name");
  return endpoint;
}

absl::StatusOr<Endpoint> Endpoint::FromIp(std::string_view ip, uint16_t port) {
  Endpoint endpoint;
  endpoint.host_ = CanonicalIp(std::string(ip));
  endpoint.port_ = port;
  if (endpoint.host_.empty()) return Bad(ip, "not an IP address");
  return endpoint;
}

absl::StatusOr<Endpoint> Endpoint::FromSocketAddress(const SocketAddress& address) {
  char buffer[INET6_ADDRSTRLEN];
  Endpoint endpoint;
  switch (address.family()) {
    case AF_INET: {
      const auto& v4 = reinterpret_cast<const sockaddr_in&>(address.storage);
      return FromIp(inet_ntop(AF_INET, &v4.sin_addr, buffer, sizeof buffer), ntohs(v4.sin_port));
    }
    case AF_INET6: {
      const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address.storage);
      return FromIp(inet_ntop(AF_INET6, &v6.sin6_addr, buffer, sizeof buffer), ntohs(v6.sin6_port));
    }
    case AF_UNIX: {
      const auto& local = reinterpret_cast<const sockaddr_un&>(address.storage);
      endpoint.kind_ = Kind::kUnix;
      endpoint.host_ = std::string(local.sun_path, strnlen(local.sun_path, sizeof local.sun_path));
      return endpoint;
    }
    default:
      return absl::InvalidArgumentError(absl::StrCat("address family ", address.family()));
  }
}

std::string Endpoint::ToString() const {
  switch (kind_) {
    case Kind::kUnix:
      return absl::StrCat("unix:", host_);
    case Kind::kSrv:
      return host_;
    case Kind::kIp:
    case Kind::kName:
      return IsIpv6() ? absl::StrCat("[", host_, "]:", port_) : absl::StrCat(host_, ":", port_);
  }
  LB_CHECK(false);
}

SocketAddress Endpoint::ToSocketAddress() const {
  LB_CHECK(IsResolved());
  SocketAddress address;
  if (kind_ == Kind::kUnix) {
    auto& local = reinterpret_cast<sockaddr_un&>(address.storage);
    local.sun_family = AF_UNIX;
    LB_CHECK(host_.size() < sizeof local.sun_path);
    std::memcpy(local.sun_path, host_.data(), host_.size());
    address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + host_.size() + 1);
  } else if (IsIpv6()) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port_);
    LB_CHECK(inet_pton(AF_INET6, host_.c_str(), &v6.sin6_addr) == 1);
    address.length = sizeof v6;
  } else {
    auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port_);
    LB_CHECK(inet_pton(AF_INET, host_.c_str(), &v4.sin_addr) == 1);
    address.length = sizeof v4;
  }
  return address;
}

}  // namespace lb
