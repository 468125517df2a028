#include "controlplane/membership/packet_codec.h"

#include <zlib.h>

#include <cstdint>
#include <optional>

#include "base/check.h"
#include "controlplane/membership/compression.h"
#include "controlplane/membership/message_type.h"
#include "controlplane/membership/messages.h"
#include "controlplane/membership/msgpack_reader.h"

namespace lb::controlplane::swim {
namespace {

// Older members take the number of parts for a signed byte.
constexpr size_t kMaxSealedParts = 127;
constexpr size_t kMaxPartBytes = UINT16_MAX;
constexpr size_t kChecksumBytes = 5;

bool BeginsWith(std::string_view bytes, MessageType type) {
  return !bytes.empty() && bytes[0] == TypeByte(type);
}

void AppendBigEndian(std::string& out, uint32_t number, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(number >> shift & 0xff));
  }
}

uint32_t Checksum(std::string_view bytes) {
  LB_CHECK(bytes.size() <= UINT32_MAX);
  return static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

std::string Join(const std::vector<std::string>& parts) {
  if (parts.size() == 1) return parts[0];
  std::string out;
  out.push_back(TypeByte(MessageType::kCompound));
  out.push_back(static_cast<char>(parts.size()));
  for (const std::string& part : parts) {
    AppendBigEndian(out, static_cast<uint32_t>(part.size()), 2);
  }
  for (const std::string& part : parts) out += part;
  return out;
}

// `compound` is what follows the type byte.
WireError Split(std::string_view compound, std::vector<std::string>& parts) {
  if (compound.empty()) return WireError::kCompound;
  const auto count = static_cast<uint8_t>(compound[0]);
  static_assert(kMaxParts == UINT8_MAX);
  std::string_view lengths = compound.substr(1);
  if (count == 0 || lengths.size() < size_t{2} * count) return WireError::kCompound;
  std::string_view bodies = lengths.substr(size_t{2} * count);
  lengths = lengths.substr(0, size_t{2} * count);
  bool cut = false;
  for (; !lengths.empty(); lengths.remove_prefix(2)) {
    const size_t length =
        size_t{static_cast<uint8_t>(lengths[0])} << 8 | static_cast<uint8_t>(lengths[1]);
    if (length == 0) return WireError::kCompound;
    cut = cut || bodies.size() < length;
    if (cut) continue;
    parts.emplace_back(bodies.substr(0, length));
    bodies.remove_prefix(length);
  }
  return parts.empty() ? WireError::kCompound : WireError::kNone;
}

// Takes the label off.
WireError TakeLabel(std::string_view& rest, std::string_view label) {
  const bool labelled = BeginsWith(rest, MessageType::kLabel);
  if (label.empty()) return labelled ? WireError::kLabel : WireError::kNone;
  constexpr size_t kHeader = 2;
  if (!labelled || rest.size() < kHeader) return WireError::kLabel;
  const size_t length = static_cast<uint8_t>(rest[1]);
  if (rest.substr(kHeader, length) != label) return WireError::kLabel;
  rest.remove_prefix(kHeader + length);
  return WireError::kNone;
}

// Whether a type byte and a whole map are all that there is. What is sealed looks random, and
// hardly ever so.
bool IsPlainMessage(std::string_view bytes) {
  MsgpackHead head;
  if (bytes.empty() || ReadMsgpackHead(bytes.substr(1), head) != MsgpackRead::kOk) return false;
  MsgpackScanner scanner;
  return head.kind == MsgpackHead::Kind::kMap &&
         scanner.Scan(bytes.substr(1)) == MsgpackRead::kOk && scanner.end() + 1 == bytes.size();
}

// Why a datagram that our keys do not open is no good. Its first byte says how it was sealed, or
// is the type of a message that was not: 0 and 1 may be either.
WireError WhyNotOpened(std::string_view datagram) {
  constexpr char kPadded = 0;
  constexpr char kSealed = 1;
  if (datagram.empty() || IsPlainMessage(datagram)) return WireError::kPlaintext;
  if (datagram[0] == kSealed) return WireError::kKey;
  return datagram[0] == kPadded ? WireError::kSealed : WireError::kPlaintext;
}

// Whether a datagram was sealed, judged without a key: where pings would begin with a map, it has
// something else.
bool LooksSealed(std::string_view datagram) {
  if (datagram.size() < KeyRing::kOverhead) return false;
  if (!BeginsWith(datagram, MessageType::kPing) &&
      !BeginsWith(datagram, MessageType::kIndirectPing)) {
    return false;
  }
  MsgpackHead head;
  return ReadMsgpackHead(datagram.substr(1), head) != MsgpackRead::kOk ||
         head.kind != MsgpackHead::Kind::kMap;
}

// Takes the checksum off.
WireError TakeChecksum(std::string_view& rest) {
  if (!BeginsWith(rest, MessageType::kChecksum)) return WireError::kNone;
  if (rest.size() < kChecksumBytes) return WireError::kChecksum;
  std::string expected;
  AppendBigEndian(expected, Checksum(rest.substr(kChecksumBytes)), 4);
  if (rest.substr(1, expected.size()) != expected) return WireError::kChecksum;
  rest.remove_prefix(kChecksumBytes);
  return WireError::kNone;
}

// What is in the label and the encryption. A layer inside of another one where it does not belong
// comes out as a message, of a type that Decode refuses: so nesting is bounded.
WireError OpenLayers(std::string_view rest, std::vector<std::string>& parts) {
  if (const WireError error = TakeChecksum(rest); error != WireError::kNone) return error;
  std::string unpacked;
  if (BeginsWith(rest, MessageType::kCompressed)) {
    const WireError error = Unpack(rest.substr(1), kMaxDatagram, unpacked);
    if (error != WireError::kNone) return error;
    rest = unpacked;
  }
  if (rest.empty()) return WireError::kMessage;
  if (BeginsWith(rest, MessageType::kCompound)) return Split(rest.substr(1), parts);
  parts.emplace_back(rest);
  return WireError::kNone;
}

}  // namespace

std::string PacketCodec::Seal(const std::vector<std::string>& parts, bool checksum,
                              const KeyRing::Nonce& nonce) const {
  LB_CHECK(!parts.empty() && parts.size() <= kMaxSealedParts);
  LB_CHECK(label_.size() <= kMaxLabel);
  for (const std::string& part : parts) LB_CHECK(!part.empty() && part.size() <= kMaxPartBytes);
  std::string body = Join(parts);
  if (checksum) {
    std::string header(1, TypeByte(MessageType::kChecksum));
    AppendBigEndian(header, Checksum(body), 4);
    body.insert(0, header);
  }
  if (!ring_.empty()) body = ring_.Seal(nonce, body, label_);
  if (label_.empty()) return body;
  std::string datagram(1, TypeByte(MessageType::kLabel));
  datagram.push_back(static_cast<char>(label_.size()));
  return datagram + label_ + body;
}

WireError PacketCodec::Open(std::string_view datagram, std::vector<std::string>& parts) const {
  parts.clear();
  if (datagram.size() > kMaxDatagram) return WireError::kTooLong;
  if (const WireError error = TakeLabel(datagram, label_); error != WireError::kNone) return error;
  std::optional<std::string> opened;
  if (!ring_.empty()) {
    opened = ring_.Open(datagram, label_);
    if (!opened.has_value()) return WhyNotOpened(datagram);
    datagram = *opened;
  } else if (LooksSealed(datagram)) {
    return WireError::kSealed;
  }
  const WireError error = OpenLayers(datagram, parts);
  if (error != WireError::kNone) parts.clear();
  return error;
}

}  // namespace lb::controlplane::swim
