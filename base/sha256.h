// SHA-256 (FIPS 180-4) and HMAC with it (RFC 2104) by BoringSSL. Threading: none.
#pragma once

#include <string>
#include <string_view>

namespace lb {

inline constexpr size_t kSha256Bytes = 32;

// Returns the 32 raw bytes of the digest.
std::string Sha256(std::string_view data);

// Returns the 32 raw bytes of the HMAC of `data`.
std::string HmacSha256(std::string_view key, std::string_view data);

// Compares in a time that depends on the lengths only, so that no right prefix can be found by its
// time.
bool EqualInConstantTime(std::string_view a, std::string_view b);

// Returns lower-case hexadecimal of any bytes.
std::string ToHex(std::string_view bytes);

}  // namespace lb
