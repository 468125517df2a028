// Where a socket listens or connects: an IP address and port, a unix socket path, or (in the
// configuration only) a DNS name with a port, or an SRV name. Plain values; threading: none.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace lb {

// A socket address ready for bind(2) and connect(2).
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

// One place to connect to. Equality is textual on the canonical form.
class Endpoint final {
 public:
  enum class Kind {
    kIp,    // 10.0.0.1:80, [fd00::1]:80
    kUnix,  // unix:/run/app.sock
    kName,  // app.internal:80, resolved by A and AAAA records
    kSrv,   // _http._tcp.app.internal, resolved by SRV records; the port comes from the record
  };

  static constexpr size_t kMaxNameBytes = 253;  // RFC 1035 2.3.4, without the root dot.

  Endpoint() = default;

  // Whether port 0 (the kernel chooses one when binding) is allowed.
  enum class PortZero { kRefuse, kAllow };

  // Parses "HOST:PORT", "[V6]:PORT", "unix:/PATH" or "_service._proto.name". Ports are 1 to 65535.
  // An IPv4-mapped IPv6 address becomes its IPv4 form; scope ids are refused. Errors:
  // InvalidArgument with what is wrong and the text.
  static absl::StatusOr<Endpoint> Parse(std::string_view text,
                                        PortZero port_zero = PortZero::kRefuse);

  // Makes an endpoint from what accept(2) or getsockname(2) gave; InvalidArgument for a family that
  // is neither IP nor unix.
  static absl::StatusOr<Endpoint> FromSocketAddress(const SocketAddress& address);

  Kind kind() const { return kind_; }
  // Host without brackets, or the unix path.
  const std::string& host() const { return host_; }
  uint16_t port() const { return port_; }
  // True for kIp and kUnix: a worker can use it as it is.
  bool IsResolved() const { return kind_ == Kind::kIp || kind_ == Kind::kUnix; }
  bool IsIpv6() const { return kind_ == Kind::kIp && host_.find(':') != std::string::npos; }

  // Canonical text; Parse(ToString()) gives an equal value. IPv6 as RFC 5952.
  std::string ToString() const;

  // Makes an IP endpoint of this address family and port from a DNS answer's host text.
  // InvalidArgument unless `ip` is an IPv4 or IPv6 address.
  static absl::StatusOr<Endpoint> FromIp(std::string_view ip, uint16_t port);

  // Requires IsResolved().
  SocketAddress ToSocketAddress() const;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;

 private:
  Kind kind_ = Kind::kIp;
  std::string host_;
  uint16_t port_ = 0;
};

}  // namespace lb
