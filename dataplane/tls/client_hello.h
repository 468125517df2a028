// The ClientHello at the beginning of a connection whose TLS is not ended here: whom it asks for.
//
// Read by BoringSSL, which is stopped before it would answer: no key is used. One that has not come
// whole is told by its record headers alone, so that a slow client costs little. RFC 8446 section
// 4.1.2, RFC 6066 section 3, RFC 7301. Pure; threading: none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lb::dataplane::tls {

// With its record headers. Those of browsers with post-quantum keys have some 2 KiB.
inline constexpr size_t kMaxClientHelloBytes = 16 * 1024;

struct ParsedHello {
  enum class State {
    kNeedMore,  // Never when kMaxClientHelloBytes are there.
    kHello,
    kBad,  // No TLS, malformed or too long; more bytes would not change that.
  };
  State state = State::kNeedMore;
  const char* why = nullptr;        // When kBad.
  std::string server_name{};        // As CanonicalServerName() says; empty: none.
  std::vector<std::string> alpn{};  // Protocols offered, best first.
};

// `bytes` are the first of a connection; what follows the ClientHello is not looked at.
ParsedHello ParseClientHello(std::string_view bytes);

// A name as routes have it: lower case, without a dot at the end. Empty when it is not the name of
// a host (an IP address, a character that none has): such a client asks for nobody.
std::string CanonicalServerName(std::string_view name);

}  // namespace lb::dataplane::tls
