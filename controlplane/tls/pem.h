// PEM text (RFC 7468) to the blocks in it, and what else the readers of TLS files share.
// Pure; threading: none.
#pragma once

#include <openssl/x509.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/time.h"

namespace lb::controlplane {

// Largest file of TLS material, and most blocks in one.
inline constexpr size_t kMaxMaterialFileBytes = 1u << 20;
inline constexpr size_t kMaxPemBlocks = 2'000;

struct PemBlock {
  std::string label;  // "CERTIFICATE"
  bool encrypted = false;
  std::string der;  // Of an encrypted block: whatever stands there.

  // It may hold a private key.
  ~PemBlock();
  PemBlock() = default;
  PemBlock(PemBlock&&) = default;
  PemBlock& operator=(PemBlock&&) = default;
};

// The blocks of `text`, in order; what stands between them counts for nothing. InvalidArgument says
// what is wrong with a block, or that there are too many.
absl::StatusOr<std::vector<PemBlock>> ReadPem(std::string_view text);

// What the certificate is encoded as.
std::string DerOf(const X509* certificate);

// The certificates of a file, in order. InvalidArgument when there is none, one that is none, or a
// file with no PEM at all.
absl::StatusOr<std::vector<bssl::UniquePtr<X509>>> ReadCertificates(std::string_view text);

// Seconds since the epoch; 0 for what is no time.
int64_t SecondsOf(const ASN1_TIME* time);
int64_t SecondsOf(WallTime time);
// "2026-01-02 03:04:05 UTC", for people.
std::string TimeText(int64_t seconds);

// A name of the content of `parts`: the same content has the same, and no other one has.
std::string ContentId(const std::vector<std::string_view>& parts);

}  // namespace lb::controlplane
