// What session tickets are sealed with (RFC 5077, RFC 8446 section 4.6.1): keys that all workers of
// a host share, and the sealing itself.
//
// The keys are in memory only and wiped when they are dropped. Each rule seals with keys of its
// own, derived from the shared ones, so that a ticket of one rule is worth nothing at another.
// Threading: TicketKeys any; TicketSealer any.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/mutex.h"

namespace lb::dataplane::tls {

// Keys that may be in use at once: more than any control plane sends.
inline constexpr size_t kMaxTicketKeys = 16;

struct TicketKey {
  static constexpr size_t kNameBytes = 16;
  static constexpr size_t kSecretBytes = 32;

  std::array<uint8_t, kNameBytes> name{};
  std::array<uint8_t, kSecretBytes> secret{};

  TicketKey() = default;
  TicketKey(const TicketKey&) = default;
  TicketKey& operator=(const TicketKey&) = default;
  ~TicketKey();  // Wipes the secret.
};

// The first seals; all open.
using TicketKeySet = std::vector<TicketKey>;

// The keys in force, of the whole worker.
class TicketKeys final {
 public:
  // Begins with one key made of BoringSSL's own randomness, of this process alone.
  TicketKeys();

  // Replaces them. The newest of those before goes on opening, so that a control plane that lost
  // its keys does not make every client's ticket worthless. InvalidArgument for a set that is
  // empty, too large, or has a key of another length.
  absl::Status Set(const std::vector<std::pair<std::string, std::string>>& names_and_secrets);

  std::shared_ptr<const TicketKeySet> Get() const;

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const TicketKeySet> keys_ ABSL_GUARDED_BY(mutex_);
};

// Seals and opens the tickets of one rule. TLS 1.3 gives a new one with each handshake. One of TLS
// 1.2 is worth something for BoringSSL's two hours, less than a key opens, and is not renewed.
class TicketSealer final {
 public:
  // `binding` is what a ticket is bound to: the rule and whose certificates it takes.
  TicketSealer(std::shared_ptr<const TicketKeys> keys, std::string binding)
      : keys_(std::move(keys)), binding_(std::move(binding)) {}

  // Makes the context seal its tickets with this, which must live as long.
  void Install(SSL_CTX* context);

 private:
  static size_t MaxOverhead(SSL* ssl);
  static int Seal(SSL* ssl, uint8_t* out, size_t* out_bytes, size_t max_bytes, const uint8_t* in,
                  size_t in_bytes);
  static ssl_ticket_aead_result_t Open(SSL* ssl, uint8_t* out, size_t* out_bytes, size_t max_bytes,
                                       const uint8_t* in, size_t in_bytes);
  static TicketSealer& Of(SSL* ssl);

  // The keys of the rule, derived anew when the shared ones have changed.
  std::shared_ptr<const TicketKeySet> Derived();

  const std::shared_ptr<const TicketKeys> keys_;
  const std::string binding_;
  Mutex mutex_;
  std::shared_ptr<const TicketKeySet> shared_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const TicketKeySet> derived_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lb::dataplane::tls
