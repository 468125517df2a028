// The TLS settings of health checks as BoringSSL contexts: made once, used by many checks.
//
// The rules of verification are those of connections to backends: a chain to the authorities,
// nothing revoked, a certificate for servers, and the name among its subject alternative names (RFC
// 6125; the common name does not count). No session is resumed, so that each check sees the
// certificate that the backend has now. Threading: one thread.
#pragma once

#include <openssl/ssl.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "controlplane/loop/action.h"

namespace lb::controlplane {

class ProbeTlsContexts final {
 public:
  // What is kept; of more, the ones that were not used longest are made again when they are needed.
  static constexpr size_t kMaxContexts = 256;
  static constexpr size_t kMaxStores = 64;

  // A client's end of one connection, that asks for `tls.server_name` and, unless told to ignore
  // it, verifies it. FailedPrecondition says what is missing in the material.
  absl::StatusOr<bssl::UniquePtr<SSL>> NewSsl(const ProbeTls& tls);

  size_t contexts() const { return contexts_.size(); }
  size_t stores() const { return stores_.size(); }

 private:
  // Ids of the material; empty: none.
  struct StoreKey {
    std::string bundle;
    std::string crl;
    friend auto operator<=>(const StoreKey&, const StoreKey&) = default;
  };
  struct ContextKey {
    StoreKey store;
    std::string pair;
    bool verify = true;
    TlsVersion min_version = TlsVersion::k12;
    friend auto operator<=>(const ContextKey&, const ContextKey&) = default;
  };
  template <typename T>
  struct Kept {
    bssl::UniquePtr<T> value;
    uint64_t last_use = 0;
  };
  struct Parts;

  absl::StatusOr<X509_STORE*> StoreOf(const StoreKey& key, const Parts& parts);
  absl::StatusOr<SSL_CTX*> ContextOf(const ProbeTls& tls);

  std::map<StoreKey, Kept<X509_STORE>> stores_;
  std::map<ContextKey, Kept<SSL_CTX>> contexts_;
  uint64_t uses_ = 0;
};

}  // namespace lb::controlplane
