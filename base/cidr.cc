#include "base/cidr.h"

#include <arpa/inet.h>

#include <cstring>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace lb {
namespace {

using Bytes = std::array<uint8_t, 16>;

constexpr unsigned kMappedBits = 96;

Bytes FromIpv4(const in_addr& address) {
  Bytes bytes{};
  bytes[10] = bytes[11] = 0xff;
  std::memcpy(&bytes[12], &address, sizeof address);
  return bytes;
}

bool SamePrefix(const Bytes& a, const Bytes& b, unsigned bits) {
  const unsigned whole = bits / 8;
  if (std::memcmp(a.data(), b.data(), whole) != 0) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

bool HasBitsBehind(const Bytes& bytes, unsigned bits) {
  for (unsigned i = bits; i < 128; ++i)
    if (((bytes[i / 8] >> (7 - i % 8)) & 1) != 0) return true;
  return false;
}

absl::Status Bad(std::string_view text, const char* why) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", absl::string_view(text.data(), text.size()), "' ", why));
}

}  // namespace

absl::StatusOr<Cidr> Cidr::Parse(std::string_view text) {
  const size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  Cidr out;
  in_addr v4{};
  const bool is_v4 = inet_pton(AF_INET, address.c_str(), &v4) == 1;
  if (is_v4)
    out.prefix_ = FromIpv4(v4);
  else if (inet_pton(AF_INET6, address.c_str(), out.prefix_.data()) != 1)
    return Bad(text, "is not an IP address or ADDRESS/BITS");
  const unsigned longest = is_v4 ? 32 : 128;
  unsigned bits = longest;
  if (slash != std::string_view::npos) {
    const std::string_view count = text.substr(slash + 1);
    if (!absl::SimpleAtoi(absl::string_view(count.data(), count.size()), &bits) || bits > longest)
      return Bad(text, is_v4 ? "does not have 0 to 32 bits" : "does not have 0 to 128 bits");
  }
  out.bits_ = is_v4 ? kMappedBits + bits : bits;
  if (HasBitsBehind(out.prefix_, out.bits_)) return Bad(text, "has bits set behind its prefix");
  return out;
}

bool Cidr::IsIpv4() const {
  return bits_ >= kMappedBits && SamePrefix(prefix_, FromIpv4({}), kMappedBits);
}

std::string Cidr::ToString() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = IsIpv4();
  const uint8_t* address = prefix_.data() + (v4 ? kMappedBits / 8 : 0);
  LB_CHECK(inet_ntop(v4 ? AF_INET : AF_INET6, address, text.data(), text.size()) != nullptr);
  return absl::StrCat(text.data(), "/", bits_ - (v4 ? kMappedBits : 0));
}

bool Cidr::Contains(const SocketAddress& address) const {
  Bytes bytes{};
  if (address.family() == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address.storage, sizeof in);
    bytes = FromIpv4(in.sin_addr);
  } else if (address.family() == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &address.storage, sizeof in);
    std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
  } else {
    return false;
  }
  const bool v4 = SamePrefix(bytes, FromIpv4({}), kMappedBits);
  return v4 == IsIpv4() && SamePrefix(bytes, prefix_, bits_);
}

}  // namespace lb
