// Datagrams about usage, sealed: each sender and each life of it has a key of its own, made from
// the cluster's, and counts its datagrams, so that no nonce comes twice and none is taken again.
//
// A datagram: 'u', 0 (open) or 1 (sealed), the sender's life (8 bytes), its count (8), the length
// of its name (1), the name; then what is said. Sealed: AES-256-GCM with the key HKDF-SHA256(the
// cluster's key; label; "lb usage 1", life, name) (RFC 5869), the count as the nonce, all before it
// and the label as associated data. Pure; threading: none.
#pragma once

#include <openssl/aead.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lb::controlplane::swim {

// Of one process of a member; fresh at each start.
using Life = uint64_t;

class UsageSealer final {
 public:
  // `keys` as in GossipKeys; none: what is said is open. `count` is that of another sealer of the
  // same life that went before: no count seals twice.
  UsageSealer(std::string name, Life life, const std::vector<std::string>& keys, std::string label,
              uint64_t count = 0);

  std::string Seal(std::string_view text);
  uint64_t count() const { return count_; }

  // Seals with other keys from now on; the count goes on, since an old key may come back.
  void SetKeys(const std::vector<std::string>& keys);

 private:
  std::string name_;
  Life life_;
  std::string label_;
  bssl::UniquePtr<EVP_AEAD_CTX> key_;  // Null: open.
  uint64_t count_;
};

enum class UsageError : uint8_t { kNone, kMalformed, kSealing, kSender, kKey, kReplay };

class UsageOpener final {
 public:
  // Datagrams may overtake each other by so many.
  static constexpr uint64_t kWindow = 64;

  UsageOpener(std::vector<std::string> keys, std::string label);

  // Opens with other keys from now on; what was taken is not taken again.
  void SetKeys(std::vector<std::string> keys);

  // Datagrams of this sender are taken from this life of it, and from no other.
  void Expect(const std::string& name, Life life);
  void Forget(const std::string& name) { senders_.erase(name); }

  struct Opened {
    std::string name;
    std::string text;
  };
  // kNone: `opened` is set.
  UsageError Open(std::string_view datagram, Opened& opened);

 private:
  struct Sender {
    Life life = 0;
    std::vector<bssl::UniquePtr<EVP_AEAD_CTX>> keys;  // One for each of the ring.
    uint64_t highest = 0;
    uint64_t seen = 0;  // Of the kWindow counts up to the highest; bit 0 is that.
  };

  bool TakeCount(Sender& sender, uint64_t count) const;
  static bool IsNew(const Sender& sender, uint64_t count);

  void MakeKeys(const std::string& name, Sender& sender) const;

  std::vector<std::string> keys_;
  const std::string label_;
  std::map<std::string, Sender> senders_;
};

}  // namespace lb::controlplane::swim
