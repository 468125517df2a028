#include "dataplane/proxy/tlv.h"

namespace lb::dataplane::proxy {
namespace {

uint8_t Byte(std::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }

// Only that they are whole: what they say is for whoever asks for them.
bool AreWhole(std::string_view region) {
  TlvReader reader(region);
  while (reader.Next().has_value()) {
  }
  return reader.AtEnd();
}

const char* ValueProblem(const Tlv& tlv) {
  switch (tlv.type) {
    case kTlvCrc32c:
      return tlv.value.size() == kCrc32cBytes ? nullptr : "a checksum that is not 4 bytes";
    case kTlvUniqueId:
      return tlv.value.size() <= kMaxUniqueIdBytes ? nullptr : "a unique id above 128 bytes";
    case kTlvSsl:
      if (tlv.value.size() < kSslHeadBytes) return "an SSL extension that is cut off";
      return AreWhole(SslTlvs(tlv.value)) ? nullptr : "an extension within SSL that is cut off";
    default:
      return nullptr;
  }
}

}  // namespace

std::optional<Tlv> TlvReader::Next() {
  if (rest_.size() < kTlvHeadBytes) return std::nullopt;
  const size_t length = static_cast<size_t>(Byte(rest_, 1)) << 8 | Byte(rest_, 2);
  if (rest_.size() - kTlvHeadBytes < length) return std::nullopt;
  const Tlv tlv{Byte(rest_, 0), rest_.substr(kTlvHeadBytes, length)};
  rest_.remove_prefix(kTlvHeadBytes + length);
  return tlv;
}

std::optional<std::string_view> FindTlv(std::string_view region, uint8_t type) {
  TlvReader reader(region);
  while (const std::optional<Tlv> tlv = reader.Next())
    if (tlv->type == type) return tlv->value;
  return std::nullopt;
}

std::string_view SslTlvs(std::string_view ssl) {
  return ssl.size() < kSslHeadBytes ? std::string_view() : ssl.substr(kSslHeadBytes);
}

const char* TlvProblem(std::string_view region) {
  TlvReader reader(region);
  int checksums = 0;
  while (const std::optional<Tlv> tlv = reader.Next()) {
    if (const char* problem = ValueProblem(*tlv)) return problem;
    if (tlv->type == kTlvCrc32c && ++checksums > 1) return "two checksums";
  }
  return reader.AtEnd() ? nullptr : "an extension that is cut off";
}

}  // namespace lb::dataplane::proxy
