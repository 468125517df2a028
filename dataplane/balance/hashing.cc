#include "dataplane/balance/hashing.h"

#include <netinet/in.h>

#include <cstring>

#include "base/endpoint.h"

namespace lb::dataplane {
namespace {

// FNV-1a, 64 bits (Fowler, Noll, Vo): defined byte by byte, so that it is the same everywhere.
constexpr uint64_t kFnvOffset = 0xcbf29ce484222325u;
constexpr uint64_t kFnvPrime = 0x100000001b3u;

uint64_t BigEndian(const uint8_t* bytes) {
  uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = number << 8 | bytes[i];
  return number;
}

}  // namespace

uint64_t HashOfName(std::string_view name, uint64_t salt) {
  uint64_t hash = kFnvOffset;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * kFnvPrime;
  return Mix(hash + Mix(salt));
}

uint64_t HashOfClient(const SocketAddress& client) {
  if (client.length == 0) return 0;
  uint64_t high = 0;
  uint64_t low = 0;
  if (client.family() == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &client.storage, sizeof v4);
    low = 0xffff'0000'0000u | ntohl(v4.sin_addr.s_addr);
  } else if (client.family() == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &client.storage, sizeof v6);
    high = BigEndian(v6.sin6_addr.s6_addr);
    low = BigEndian(v6.sin6_addr.s6_addr + 8);
  } else {
    return 0;
  }
  return Mix(Mix(high) ^ low);
}

}  // namespace lb::dataplane
