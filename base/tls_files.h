// The three PEM files of one end of a mutual TLS connection: read, and checked for what can be
// wrong with them before anybody connects.
//
// Their content never enters an error message. Blocks on the disk. Threading: none.
#pragma once

#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"

namespace lb {

// What --tls-ca, --tls-cert and --tls-key name.
struct TlsPaths {
  std::string ca;    // Certificates of the authorities that the other end's must come from.
  std::string cert;  // Our certificate, then those between it and the authority.
  std::string key;   // Its private key; readable by its owner, or its group, only.

  bool none() const { return ca.empty() && cert.empty() && key.empty(); }
  bool all() const { return !ca.empty() && !cert.empty() && !key.empty(); }
};

// Their content.
struct TlsPems {
  std::string ca;
  std::string cert;
  std::string key;

  friend bool operator==(const TlsPems&, const TlsPems&) = default;
};

// Largest file read.
inline constexpr size_t kMaxPemBytes = 1 << 20;

// Reads and checks all three. Errors name the flag and the file: NotFound, PermissionDenied (also
// for a key that others may read), InvalidArgument for what is no PEM, or a key that is not that of
// the certificate.
absl::StatusOr<TlsPems> ReadTlsFiles(const TlsPaths& paths);

}  // namespace lb
