#include "controlplane/membership/compression.h"

#include <cstdint>
#include <optional>
#include <utility>

#include "controlplane/membership/lzw.h"
#include "controlplane/membership/message_fields.h"
#include "controlplane/membership/msgpack_reader.h"

namespace lb::controlplane::swim {

WireError Unpack(std::string_view body, size_t max_bytes, std::string& out) {
  constexpr uint8_t kLzw = 0;  // The only algorithm there is.
  uint8_t algorithm = kLzw;
  std::string_view packed;
  MsgpackReader in(body);
  const bool read = ReadMap(in, [&](std::string_view key) {
    if (key == "Algo") return ReadUnsigned(in, algorithm);
    return key == "Buf" ? in.Text(packed) : in.Skip();
  });
  if (!read || algorithm != kLzw) return WireError::kCompression;
  std::optional<std::string> unpacked = LzwUnpack(packed, max_bytes);
  if (!unpacked.has_value()) return WireError::kCompression;
  out = *std::move(unpacked);
  return WireError::kNone;
}

}  // namespace lb::controlplane::swim
