// Reads a PROXY header, version 1 or 2, from the first bytes of a connection.
//
// Strict, since what it says decides who may connect: one space between the words of version 1, no
// zeros in front of a port, no unknown command, family or protocol, whole extensions, and a right
// checksum where there is one. Extensions of unknown types are kept. Pure; threading: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dataplane/proxy/header.h"

namespace lb::dataplane::proxy {

inline constexpr size_t kMaxV1Bytes = 107;  // proxy-protocol.txt 2.1, with the CRLF.
inline constexpr size_t kV2HeadBytes = 16;  // Signature, version, family, length.
// Of version 2: addresses and extensions would fit 64 KiB, but what is sent has some hundred bytes,
// a client certificate's names among them. It is looked at in a receive buffer, which holds this.
inline constexpr size_t kMaxHeaderBytes = 4096;

struct Parsed {
  enum class State : uint8_t {
    kNeedMore,  // So far it may become a header.
    kHeader,
    kBad,
  };

  State state = State::kNeedMore;
  size_t bytes = 0;           // Of the header; what follows is the client's.
  Header header;              // Of kHeader.
  const char* why = nullptr;  // Of kBad, for people.

  static Parsed Bad(const char* why) { return {State::kBad, 0, {}, why}; }
};

// Reads the header that `bytes` begin with. Never kNeedMore for kMaxHeaderBytes and more.
Parsed Parse(std::string_view bytes);

}  // namespace lb::dataplane::proxy
