#include "controlplane/membership/test_vectors.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "absl/strings/escaping.h"
#include "base/check.h"

namespace lb::controlplane::swim {

std::string FromHex(std::string_view hex) {
  std::string digits(hex);
  std::erase_if(digits, [](char c) { return c == '\n' || c == ' '; });
  return absl::HexStringToBytes(digits);
}

std::string ReadVectorFile(const std::string& name) {
  std::ifstream file("controlplane/membership/vectors/" + name, std::ios::binary);
  LB_CHECK(file.is_open());
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string ReadVector(const std::string& name) { return FromHex(ReadVectorFile(name + ".hex")); }

KeyRing VectorRing(size_t bytes) {
  if (bytes == 0) return {};
  std::string key;
  while (key.size() < bytes) key.push_back(static_cast<char>(key.size()));
  return KeyRing::Make({key}).value();
}

KeyRing::Nonce NonceOf(std::string_view sealed) {
  LB_CHECK(sealed.size() >= KeyRing::kOverhead);
  KeyRing::Nonce nonce;
  std::copy_n(sealed.begin() + 1, nonce.size(), nonce.begin());
  return nonce;
}

Address Loopback(int c, int d) {
  constexpr uint16_t kPort = 7946;
  return {.ip = {127, 0, static_cast<char>(c), static_cast<char>(d)}, .port = kPort};
}

}  // namespace lb::controlplane::swim
