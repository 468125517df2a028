// Version 2: sixteen bytes, addresses, extensions (proxy-protocol.txt 2.2).
#include <algorithm>

#include "dataplane/proxy/crc32c.h"
#include "dataplane/proxy/tlv.h"
#include "dataplane/proxy/versions.h"

namespace lb::dataplane::proxy {
namespace {

constexpr uint8_t kVersion = 2;
enum Command : uint8_t { kLocal = 0, kProxy = 1 };
enum Family : uint8_t { kUnspecified = 0, kInet = 1, kInet6 = 2, kUnix = 3 };
enum Transport : uint8_t { kNoTransport = 0, kStream = 1, kDatagram = 2 };

// Bytes of both addresses and ports, by family.
constexpr size_t kAddressBytes[] = {0, 12, 36, 216};

uint8_t Byte(std::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }

uint16_t Number(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(Byte(bytes, at) << 8 | Byte(bytes, at + 1));
}

Address ReadAddress(Family family, std::string_view bytes, size_t ip_at, size_t port_at) {
  const auto* ip = reinterpret_cast<const uint8_t*>(bytes.data() + ip_at);
  const uint16_t port = Number(bytes, port_at);
  if (family == kInet) return Address::FromIpv4(ip, port);
  Address address;
  std::copy(ip, ip + address.ip.size(), address.ip.begin());
  address.port = port;
  return address;
}

void ReadAddresses(Family family, std::string_view block, Header& header) {
  const size_t ip_bytes = family == kInet ? 4 : 16;
  header.has_addresses = true;
  header.source = ReadAddress(family, block, 0, 2 * ip_bytes);
  header.destination = ReadAddress(family, block, ip_bytes, 2 * ip_bytes + 2);
}

// Over the whole header, with the checksum itself as zeros.
bool ChecksumIsRight(std::string_view header, std::string_view checksum) {
  const auto at = static_cast<size_t>(checksum.data() - header.data());
  uint32_t crc = Crc32c(header.substr(0, at));
  crc = Crc32c(std::string_view("\0\0\0\0", kCrc32cBytes), crc);
  crc = Crc32c(header.substr(at + kCrc32cBytes), crc);
  return crc == (static_cast<uint32_t>(Number(checksum, 0)) << 16 | Number(checksum, 2));
}

}  // namespace

Parsed ParseV2(std::string_view bytes) {
  if (bytes.size() < kV2HeadBytes) return {};
  const uint8_t version_command = Byte(bytes, kV2Signature.size());
  const uint8_t family_transport = Byte(bytes, kV2Signature.size() + 1);
  const auto command = static_cast<Command>(version_command & 0xf);
  const auto family = static_cast<Family>(family_transport >> 4);
  const auto transport = static_cast<Transport>(family_transport & 0xf);
  if (version_command >> 4 != kVersion) return Parsed::Bad("a version that is not 2");
  if (command != kLocal && command != kProxy) return Parsed::Bad("an unknown command");
  const size_t block_bytes = Number(bytes, kV2Signature.size() + 2);
  if (kV2HeadBytes + block_bytes > kMaxHeaderBytes) return Parsed::Bad("above 4096 bytes");
  if (command == kProxy && (family > kUnix || transport > kDatagram))
    return Parsed::Bad("an unknown family or protocol");
  if (bytes.size() < kV2HeadBytes + block_bytes) return {};

  Parsed parsed;
  parsed.state = Parsed::State::kHeader;
  parsed.bytes = kV2HeadBytes + block_bytes;
  if (command == kLocal) return parsed;  // Everything else in it is to be ignored.
  const std::string_view header = bytes.substr(0, parsed.bytes);
  std::string_view block = header.substr(kV2HeadBytes);
  if (block.size() < kAddressBytes[family]) return Parsed::Bad("too short for its addresses");
  if (transport == kStream && (family == kInet || family == kInet6))
    ReadAddresses(family, block, parsed.header);
  block.remove_prefix(kAddressBytes[family]);
  if (const char* problem = TlvProblem(block)) return Parsed::Bad(problem);
  if (const auto checksum = FindTlv(block, kTlvCrc32c);
      checksum && !ChecksumIsRight(header, *checksum))
    return Parsed::Bad("a wrong checksum");
  parsed.header.tlvs = std::string(block);
  return parsed;
}

}  // namespace lb::dataplane::proxy
