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

// Whose words to whom.
struct Way {
  const std::string& name;  // Of the sender.
  Life from;
  Life to;
};

bssl::UniquePtr<EVP_AEAD_CTX> KeyOf(const std::string& key, const std::string& label,
                                    const Way& way) {
  std::string info = "lb usage 2";
  AddNumber(way.from, info);
  AddNumber(way.to, info);
  info += way.name;
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
  key_ = keys.empty() ? std::string() : keys.front();
  keys_.clear();
}

const EVP_AEAD_CTX& UsageSealer::KeyFor(Life to) {
  if (keys_.size() >= kMaxReceivers) keys_.clear();
  bssl::UniquePtr<EVP_AEAD_CTX>& key = keys_[to];
  if (key == nullptr) key = KeyOf(key_, label_, {name_, life_, to});
  return *key;
}

std::vector<std::string> UsageSealer::Seal(std::string_view text, const std::vector<Life>& to) {
  std::string head{kMark, key_.empty() ? kOpen : kSealed};
  AddNumber(life_, head);
  AddNumber(++count_, head);
  head.push_back(static_cast<char>(name_.size()));
  head += name_;
  if (key_.empty()) return {to.size(), head + std::string(text)};
  const std::string aad = head + label_;
  const auto nonce = NonceOf(count_);
  std::vector<std::string> sealed;
  sealed.reserve(to.size());
  for (const Life life : to) {
    std::string& out = sealed.emplace_back(head);
    out.resize(head.size() + text.size() + kTagBytes);
    size_t written = 0;
    LB_CHECK(EVP_AEAD_CTX_seal(&KeyFor(life), reinterpret_cast<uint8_t*>(out.data()) + head.size(),
                               &written, out.size() - head.size(), nonce.data(), nonce.size(),
                               Data(text), text.size(), Data(aad), aad.size()) == 1);
    out.resize(head.size() + written);
  }
  return sealed;
}

UsageOpener::UsageOpener(std::vector<std::string> keys, std::string label, Life self,
                         Windows windows)
    : keys_(std::move(keys)), label_(std::move(label)), self_(self), kept_(std::move(windows)) {}

UsageOpener::Windows UsageOpener::TakeWindows() {
  for (const auto& [name, sender] : senders_) Keep(name, sender);
  senders_.clear();
  return std::exchange(kept_, {});
}

// Of an open channel anybody may have made the counts: they are worth nothing.
void UsageOpener::Keep(const std::string& name, const Sender& sender) {
  if (keys_.empty()) return;
  const Windows::Key key{name, sender.life};
  if (kept_.all.insert_or_assign(key, sender.window).second) kept_.order.push_back(key);
  if (kept_.order.size() <= kMaxForgotten) return;
  kept_.all.erase(kept_.order.front());
  kept_.order.pop_front();
}

UsageOpener::Window UsageOpener::FindKept(const std::string& name, Life life) const {
  const auto at = kept_.all.find({name, life});
  return at == kept_.all.end() ? Window{} : at->second;
}

void UsageOpener::Expect(const std::string& name, Life life) {
  const auto [at, added] = senders_.try_emplace(name);
  Sender& sender = at->second;
  if (!added && sender.life == life) return;
  if (!added) Keep(name, sender);
  sender = Sender{};
  sender.life = life;
  if (!keys_.empty()) sender.window = FindKept(name, life);
  MakeKeys(name, sender);
}

void UsageOpener::Forget(const std::string& name) {
  const auto at = senders_.find(name);
  if (at == senders_.end()) return;
  Keep(name, at->second);
  senders_.erase(at);
}

void UsageOpener::MakeKeys(const std::string& name, Sender& sender) const {
  sender.keys.clear();
  for (const std::string& key : keys_)
    sender.keys.push_back(KeyOf(key, label_, {name, sender.life, self_}));
}

void UsageOpener::SetKeys(std::vector<std::string> keys) {
  const bool was_open = keys_.empty();
  const bool is_open = keys.empty();
  for (auto& [name, sender] : senders_)
    if (is_open && !was_open) Keep(name, sender);
  keys_ = std::move(keys);
  for (auto& [name, sender] : senders_) {
    if (was_open != is_open) sender.window = is_open ? Window{} : FindKept(name, sender.life);
    MakeKeys(name, sender);
  }
}

bool UsageOpener::IsNew(const Window& window, uint64_t count) {
  if (count > window.highest) return true;
  const uint64_t behind = window.highest - count;
  return behind < kWindow && (window.seen >> behind & 1) == 0;
}

bool UsageOpener::TakeCount(Window& window, uint64_t count) {
  if (!IsNew(window, count)) return false;
  if (count > window.highest) {
    const uint64_t by = count - window.highest;
    window.seen = by >= kWindow ? 1 : window.seen << by | 1;
    window.highest = count;
  } else {
    window.seen |= uint64_t{1} << (window.highest - count);
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
  if (!IsNew(sender.window, count)) return UsageError::kReplay;
  const std::string_view head = datagram.substr(0, kNameAt + name_bytes);
  const std::string_view body = datagram.substr(head.size());
  if (!sealed) {
    opened.text = std::string(body);
    return TakeCount(sender.window, count) ? UsageError::kNone : UsageError::kReplay;
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
    return TakeCount(sender.window, count) ? UsageError::kNone : UsageError::kReplay;
  }
  return UsageError::kKey;
}

}  // namespace lb::controlplane::swim
