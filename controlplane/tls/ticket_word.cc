#include "controlplane/tls/ticket_word.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/check.h"

namespace lb::controlplane {
namespace {

using std::chrono::milliseconds;

constexpr uint8_t kVersion = 0x21;  // HostWordKind::kTickets.
constexpr size_t kHeadBytes = 2;
constexpr size_t kAgeBytes = 4;
constexpr size_t kKeyBytes = TicketKey::kNameBytes + TicketKey::kSecretBytes + kAgeBytes;
static_assert(milliseconds(TicketRing::kOpensFor).count() < UINT32_MAX);

uint32_t AgeOf(const TicketKey& key, Instant now) {
  const auto age = std::chrono::duration_cast<milliseconds>(now - key.made);
  return static_cast<uint32_t>(
      std::clamp(age, milliseconds(0), milliseconds(TicketRing::kOpensFor)).count());
}

}  // namespace

std::string EncodeTickets(const std::vector<TicketKey>& keys, Instant now) {
  LB_CHECK(keys.size() <= TicketRing::kMaxKeys);
  std::string out;
  // Grows nowhere on the way, which would leave a copy behind.
  out.reserve(kHeadBytes + keys.size() * kKeyBytes);
  out.push_back(static_cast<char>(kVersion));
  out.push_back(static_cast<char>(keys.size()));
  for (const TicketKey& key : keys) {
    out += key.name;
    out += key.secret;
    const uint32_t age_ms = AgeOf(key, now);
    for (size_t i = 0; i < kAgeBytes; ++i)
      out.push_back(static_cast<char>(age_ms >> (8 * (kAgeBytes - 1 - i)) & 0xff));
  }
  return out;
}

std::optional<std::vector<TicketKey>> DecodeTickets(std::string_view bytes, Instant now) {
  if (bytes.size() < kHeadBytes || static_cast<uint8_t>(bytes[0]) != kVersion) return std::nullopt;
  const size_t count = static_cast<uint8_t>(bytes[1]);
  if (count > TicketRing::kMaxKeys || bytes.size() != kHeadBytes + count * kKeyBytes)
    return std::nullopt;
  std::vector<TicketKey> keys;
  keys.reserve(count);
  for (std::string_view at = bytes.substr(kHeadBytes); !at.empty(); at.remove_prefix(kKeyBytes)) {
    const std::string_view name = at.substr(0, TicketKey::kNameBytes);
    if (std::any_of(keys.begin(), keys.end(),
                    [&](const TicketKey& key) { return key.name == name; }))
      return std::nullopt;
    uint32_t age_ms = 0;
    for (const char byte : at.substr(kKeyBytes - kAgeBytes, kAgeBytes))
      age_ms = age_ms << 8 | static_cast<uint8_t>(byte);
    keys.push_back({std::string(name),
                    std::string(at.substr(TicketKey::kNameBytes, TicketKey::kSecretBytes)),
                    now - milliseconds(age_ms)});
  }
  return keys;
}

}  // namespace lb::controlplane
