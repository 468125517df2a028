#include "controlplane/membership/usage_seal.h"

#include <openssl/digest.h>
#include <openssl/hkdf.h>
#include <openssl/mem.h>

#include <array>
#include <utility>

#include "base/check.h"
#include "controlplane/membership/messages.h"

namespace lb::controlplane::swim {
namespace {

constexpr char kMark = 'u';
constexpr char kOpen = 0;
constexpr char kSealed = 1;
constexpr size_t kKeyBytes = 32;
constexpr size_t kTagBytes = 16;
constexpr size_t kNonceBytes = 12;
constexpr size_t kNameAt = 19;

const uint8_t* Data(std::string_view bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

void AddNumber(uint64_t number, std::string& out) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(number >> shift));
}

uint64_t NumberAt(std::string_view bytes, size_t at) {
  uint64_t number = 0;
  for (const char byte : bytes.substr(at, 8)) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

bssl::UniquePtr<EVP_AEAD_CTX> KeyOf(const std::string& key, const std::string& label, Life life,
                                    const std::string& name) {
  std::string info = "lb usage 1";
  AddNumber(life, info);
  info += name;
  std::array<uint8_t, kKeyBytes> made;
  LB_CHECK(HKDF(made.data(), made.size(), EVP_sha256(), Data(key), key.size(), Data(label),
                label.size(), Data(info), info.size()) == 1);
  bssl::UniquePtr<EVP_AEAD_CTX> context(
      EVP_AEAD_CTX_new(EVP_aead_aes_256_gcm(), made.data(), made.size(), kTagBytes));
  OPENSSL_cleanse(made.data(), made.size());
  LB_CHECK(context != nullptr);
  return context;
}

std::array<uint8_t, kNonceBytes> NonceOf(uint64_t count) {
  std::array<uint8_t, kNonceBytes> nonce{};
  for (size_t i = 0; i < 8; ++i)
    nonce[kNonceBytes - 1 - i] = static_cast<uint8_t>(count >> (8 * i));
  return nonce;
}

}  // namespace

UsageSealer::UsageSealer(std::string name, Life life, const std::vector<std::string>& keys,
                         std::string label, uint64_t count)
    : name_(std::move(name)), life_(life), label_(std::move(label)), count_(count) {
  LB_CHECK(name_.size() <= kMaxName);
  SetKeys(keys);
}

void UsageSealer::SetKeys(const std::vector<std::string>& keys) {
  key_ = keys.empty() ? nullptr : KeyOf(keys.front(), label_, life_, name_);
}

std::string UsageSealer::Seal(std::string_view text) {
  std::string out{kMark, key_ == nullptr ? kOpen : kSealed};
  AddNumber(life_, out);
  AddNumber(++count_, out);
  out.push_back(static_cast<char>(name_.size()));
  out += name_;
  if (key_ == nullptr) return out.append(text);
  const std::string aad = out + label_;
  const auto nonce = NonceOf(count_);
  const size_t at = out.size();
  out.resize(at + text.size() + kTagBytes);
  size_t written = 0;
  LB_CHECK(EVP_AEAD_CTX_seal(key_.get(), reinterpret_cast<uint8_t*>(out.data()) + at, &written,
                             out.size() - at, nonce.data(), nonce.size(), Data(text), text.size(),
                             Data(aad), aad.size()) == 1);
  out.resize(at + written);
  return out;
}

UsageOpener::UsageOpener(std::vector<std::string> keys, std::string label)
    : keys_(std::move(keys)), label_(std::move(label)) {}

void UsageOpener::Expect(const std::string& name, Life life) {
  const auto [at, added] = senders_.try_emplace(name);
  Sender& sender = at->second;
  if (!added && sender.life == life) return;
  sender = Sender{};
  sender.life = life;
  MakeKeys(name, sender);
}

void UsageOpener::MakeKeys(const std::string& name, Sender& sender) const {
  sender.keys.clear();
  for (const std::string& key : keys_) sender.keys.push_back(KeyOf(key, label_, sender.life, name));
}

void UsageOpener::SetKeys(std::vector<std::string> keys) {
  keys_ = std::move(keys);
  for (auto& [name, sender] : senders_) MakeKeys(name, sender);
}

bool UsageOpener::IsNew(const Sender& sender, uint64_t count) {
  if (count > sender.highest) return true;
  const uint64_t behind = sender.highest - count;
  return behind < kWindow && (sender.seen >> behind & 1) == 0;
}

bool UsageOpener::TakeCount(Sender& sender, uint64_t count) const {
  if (!IsNew(sender, count)) return false;
  if (count > sender.highest) {
    const uint64_t by = count - sender.highest;
    sender.seen = by >= kWindow ? 1 : sender.seen << by | 1;
    sender.highest = count;
  } else {
    sender.seen |= uint64_t{1} << (sender.highest - count);
  }
  return true;
}

UsageError UsageOpener::Open(std::string_view datagram, Opened& opened) {
  if (datagram.size() < kNameAt || datagram[0] != kMark) return UsageError::kMalformed;
  const size_t name_bytes = static_cast<uint8_t>(datagram[kNameAt - 1]);
  if (datagram.size() < kNameAt + name_bytes) return UsageError::kMalformed;
  const bool sealed = datagram[1] == kSealed;
  if (sealed == keys_.empty() || (!sealed && datagram[1] != kOpen)) return UsageError::kSealing;
  opened.name = std::string(datagram.substr(kNameAt, name_bytes));
  const auto at = senders_.find(opened.name);
  if (at == senders_.end() || at->second.life != NumberAt(datagram, 2)) return UsageError::kSender;
  Sender& sender = at->second;
  const uint64_t count = NumberAt(datagram, 10);
  if (!IsNew(sender, count)) return UsageError::kReplay;
  const std::string_view head = datagram.substr(0, kNameAt + name_bytes);
  const std::string_view body = datagram.substr(head.size());
  if (!sealed) {
    opened.text = std::string(body);
    return TakeCount(sender, count) ? UsageError::kNone : UsageError::kReplay;
  }
  const std::string aad = std::string(head) + label_;
  const auto nonce = NonceOf(count);
  opened.text.resize(body.size());
  for (const auto& key : sender.keys) {
    size_t written = 0;
    if (EVP_AEAD_CTX_open(key.get(), reinterpret_cast<uint8_t*>(opened.text.data()), &written,
                          opened.text.size(), nonce.data(), nonce.size(), Data(body), body.size(),
                          Data(aad), aad.size()) != 1)
      continue;
    opened.text.resize(written);
    return TakeCount(sender, count) ? UsageError::kNone : UsageError::kReplay;
  }
  return UsageError::kKey;
}

}  // namespace lb::controlplane::swim
