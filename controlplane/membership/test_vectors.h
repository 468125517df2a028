// The captured bytes of vectors/, for tests. Threading: none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controlplane/membership/key_ring.h"
#include "controlplane/membership/messages.h"

namespace lb::controlplane::swim {

// The bytes of hex digits; white space between them is ignored.
std::string FromHex(std::string_view hex);

// The bytes of vectors/NAME, as they are.
std::string ReadVectorFile(const std::string& name);

// The bytes that vectors/NAME.hex holds.
std::string ReadVector(const std::string& name);

// A ring with the bytes 0 to `bytes` - 1 as its key; with none where `bytes` is 0.
KeyRing VectorRing(size_t bytes);

// The nonce of what was sealed, which begins at `sealed`.
KeyRing::Nonce NonceOf(std::string_view sealed);

// 127.0.`c`.`d`, at the port that all have.
Address Loopback(int c, int d);

}  // namespace lb::controlplane::swim
