// PacketCodec::Open and Decode on any bytes: they decide within their bounds, and what was read can
// be written, and is read again as the same.

#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "controlplane/membership/message_codec.h"
#include "controlplane/membership/messages.h"
#include "controlplane/membership/packet_codec.h"

namespace swim = lb::controlplane::swim;
using swim::WireError;

namespace {

constexpr size_t kMaxSealedParts = 127;

// Messages are read again from a datagram that we made.
void CheckSealed(const swim::PacketCodec& codec, const std::vector<std::string>& parts) {
  if (parts.empty() || parts.size() > kMaxSealedParts) return;
  for (const std::string& part : parts) {
    if (part.size() > UINT16_MAX) return;
  }
  for (const bool checksum : {false, true}) {
    const std::string datagram = codec.Seal(parts, checksum, {});
    if (datagram.size() > swim::kMaxDatagram) return;
    std::vector<std::string> again;
    LB_CHECK(codec.Open(datagram, again) == WireError::kNone);
    LB_CHECK(again == parts);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const swim::PacketCodec codec("", {});
  std::vector<std::string> parts;
  const WireError error = codec.Open(bytes, parts);
  LB_CHECK(parts.empty() == (error != WireError::kNone));
  LB_CHECK(parts.size() <= swim::kMaxParts);

  std::vector<std::string> written;
  for (const std::string& part : parts) {
    LB_CHECK(!part.empty());
    swim::Message message;
    if (swim::Decode(part, message) != WireError::kNone) continue;
    written.push_back(swim::Encode(message));
    swim::Message again;
    LB_CHECK(swim::Decode(written.back(), again) == WireError::kNone);
    LB_CHECK(again == message);
  }
  CheckSealed(codec, written);
  return 0;
}
