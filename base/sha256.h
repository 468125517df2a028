// SHA-256 (FIPS 180-4) by BoringSSL. Threading: none.
#pragma once

#include <string>
#include <string_view>

namespace lb {

inline constexpr size_t kSha256Bytes = 32;

// Returns the 32 raw bytes of the digest.
std::string Sha256(std::string_view data);

// Returns lower-case hexadecimal of any bytes.
std::string ToHex(std::string_view bytes);

}  // namespace lb
