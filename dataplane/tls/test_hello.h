// ClientHellos for tests: a client's own, and ones that no client would send. Threading: none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lb::dataplane::tls {

// What a client sends first, in one record. An empty name asks for nobody.
std::string ClientHelloFor(const std::string& server_name,
                           const std::vector<std::string>& alpn = {});

// One entry of a server_name extension.
struct NameEntry {
  std::string name;
  char type = 0;  // host_name, RFC 6066 section 3.
};

// A ClientHello with such an extension and one of `padding` bytes (RFC 7685).
std::string ClientHelloWith(const std::vector<NameEntry>& names, size_t padding = 0);

// The same bytes of the handshake in records of `bytes` each.
std::string InRecordsOf(size_t bytes, std::string_view client_hello);

}  // namespace lb::dataplane::tls
