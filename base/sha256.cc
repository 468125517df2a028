#include "base/sha256.h"

#include <openssl/hmac.h>
#include <openssl/mem.h>
#include <openssl/sha.h>

#include <cstdint>

#include "base/check.h"

namespace lb {

std::string Sha256(std::string_view data) {
  std::string digest(kSha256Bytes, '\0');
  SHA256(reinterpret_cast<const uint8_t*>(data.data()), data.size(),
         reinterpret_cast<uint8_t*>(digest.data()));
  return digest;
}

std::string HmacSha256(std::string_view key, std::string_view data) {
  std::string digest(kSha256Bytes, '\0');
  unsigned int length = 0;
  const uint8_t* made =
      HMAC(EVP_sha256(), key.data(), key.size(), reinterpret_cast<const uint8_t*>(data.data()),
           data.size(), reinterpret_cast<uint8_t*>(digest.data()), &length);
  LB_CHECK(made != nullptr && length == kSha256Bytes);
  return digest;
}

bool EqualInConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string ToHex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    hex.push_back(kDigits[(static_cast<unsigned char>(c) >> 4) & 15]);
    hex.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
  }
  return hex;
}

}  // namespace lb
