// The checksum CRC-32C (Castagnoli, RFC 3720 12.1): polynomial 0x1EDC6F41, reflected, all ones
// before and after. Pure; threading: none.
#pragma once

#include <cstdint>
#include <string_view>

namespace lb::dataplane::proxy {

// Continues a checksum over more bytes; begin with 0.
uint32_t Crc32c(std::string_view bytes, uint32_t before = 0);

}  // namespace lb::dataplane::proxy
