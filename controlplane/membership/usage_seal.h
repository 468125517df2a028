// Datagrams about usage, sealed: each sender and each life of it has a key of its own for each life
// of a receiver, made from the cluster's, and counts its datagrams, so that no nonce comes twice
// and none is taken again. One that was recorded is no good for a receiver that has started again.
//
// A datagram: 'u', 0 (open) or 1 (sealed), the sender's life (8 bytes), its count (8), the length
// of its name (1), the name; then what is said. Sealed: AES-256-GCM with the key HKDF-SHA256(the
// cluster's key; label; "lb usage 2", both lives, name) (RFC 5869), the count as the nonce, all
// before it and the label as associated data. Pure; threading: none.
#pragma once

#include <openssl/aead.h>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

  // The same for each of these receivers.
  std::vector<std::string> Seal(std::string_view text, const std::vector<Life>& to);
  uint64_t count() const { return count_; }

  // Seals with other keys from now on; the count goes on, since an old key may come back.
  void SetKeys(const std::vector<std::string>& keys);

 private:
  // Keys that are held; with more, all are made again.
  static constexpr size_t kMaxReceivers = 16'384;

  const EVP_AEAD_CTX& KeyFor(Life to);

  std::string name_;
  Life life_;
  std::string label_;
  std::string key_;                                     // Empty: open.
  std::map<Life, bssl::UniquePtr<EVP_AEAD_CTX>> keys_;  // By receiver.
  uint64_t count_;
};

enum class UsageError : uint8_t { kNone, kMalformed, kSealing, kSender, kKey, kReplay };

class UsageOpener final {
 public:
  // Datagrams may overtake each other by so many.
  static constexpr uint64_t kWindow = 64;

  // Senders that are expected no more, of which it is still known what was taken; with more, those
  // forgotten first are not.
  static constexpr size_t kMaxForgotten = 4'096;

  // What was taken of a life of a sender.
  struct Window {
    uint64_t highest = 0;
    uint64_t seen = 0;  // Of the kWindow counts up to the highest; bit 0 is that.
  };
  // Of those that are expected no more.
  struct Windows {
    using Key = std::pair<std::string, Life>;
    std::map<Key, Window> all;
    std::deque<Key> order;  // The one forgotten first is the first.
  };

  // `self`: the life of this receiver. `windows`: of an opener of the same life that went before.
  UsageOpener(std::vector<std::string> keys, std::string label, Life self, Windows windows = {});
  // Expects nobody any more.
  Windows TakeWindows();

  // Opens with other keys from now on; what was taken is not taken again.
  void SetKeys(std::vector<std::string> keys);

  // Datagrams of this sender are taken from this life of it, and from no other. What was taken of
  // a life is not taken again, also when it was forgotten in between.
  void Expect(const std::string& name, Life life);
  void Forget(const std::string& name);

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
    Window window;
  };

  static bool TakeCount(Window& window, uint64_t count);
  static bool IsNew(const Window& window, uint64_t count);
  void Keep(const std::string& name, const Sender& sender);
  Window FindKept(const std::string& name, Life life) const;

  void MakeKeys(const std::string& name, Sender& sender) const;

  std::vector<std::string> keys_;
  const std::string label_;
  const Life self_;
  std::map<std::string, Sender> senders_;
  Windows kept_;
};

}  // namespace lb::controlplane::swim
