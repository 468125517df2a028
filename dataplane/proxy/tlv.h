// The extensions of a version 2 PROXY header: type, two bytes of length, value; one after the other
// (proxy-protocol.txt 2.2.1 to 2.2.7).
//
// Views into the bytes given; pure. Threading: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lb::dataplane::proxy {

inline constexpr uint8_t kTlvAlpn = 0x01;
inline constexpr uint8_t kTlvAuthority = 0x02;  // The name that the client asked for (TLS SNI).
inline constexpr uint8_t kTlvCrc32c = 0x03;
inline constexpr uint8_t kTlvNoop = 0x04;
inline constexpr uint8_t kTlvUniqueId = 0x05;
inline constexpr uint8_t kTlvSsl = 0x20;  // A bit field, a verdict, and TLVs of its own.
inline constexpr uint8_t kTlvSslVersion = 0x21;
inline constexpr uint8_t kTlvSslCommonName = 0x22;
inline constexpr uint8_t kTlvNetNamespace = 0x30;

inline constexpr size_t kTlvHeadBytes = 3;
inline constexpr size_t kMaxUniqueIdBytes = 128;
inline constexpr size_t kCrc32cBytes = 4;
inline constexpr size_t kSslHeadBytes = 5;  // Before the TLVs within kTlvSsl.

struct Tlv {
  uint8_t type = 0;
  std::string_view value;
};

// Goes over the TLVs of a region.
class TlvReader final {
 public:
  explicit TlvReader(std::string_view region) : rest_(region) {}

  // The next one; nullopt at the end, or where the bytes stop being TLVs.
  std::optional<Tlv> Next();
  // After Next() said nullopt: true when everything was read.
  bool AtEnd() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

// The value of the first TLV of this type. For what is within kTlvSsl give SslTlvs() of its value.
std::optional<std::string_view> FindTlv(std::string_view region, uint8_t type);

// The TLVs within the value of a kTlvSsl.
std::string_view SslTlvs(std::string_view ssl);

// What is wrong with a region; nullptr when it consists of whole TLVs, those within kTlvSsl too,
// whose lengths are allowed, with at most one checksum.
const char* TlvProblem(std::string_view region);

}  // namespace lb::dataplane::proxy
