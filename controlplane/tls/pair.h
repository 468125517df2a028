// The files of a certificate and its private key to what workers are sent. Pure; threading: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controlplane/tls/material.h"
#include "controlplane/tls/material_result.h"
#include "controlplane/tls/wanted_files.h"

namespace lb::controlplane {

// Certificates of one chain; a longer one is a mistake, and would burden every handshake.
inline constexpr size_t kMaxChainCertificates = 16;

// The content of the files.
struct PairText {
  std::string_view cert;                                // PEM: the certificate, and who signed it.
  std::string_view key;                                 // PEM.
  std::optional<std::string_view> ocsp = std::nullopt;  // DER.
};

// Returns the pair, its chain in the order in which each certificate signed the one before it;
// nullopt when one of the files is no good. What is wrong is added to `problems`: `now_s`, seconds
// since the epoch, outside of the time of a certificate is an error of code kOutOfTime, with which
// the pair is returned all the same. A response that cannot be stapled is a warning.
std::optional<CertificatePair> ReadPair(const PairText& text, PairUse use, int64_t now_s,
                                        MaterialProblems& problems);

}  // namespace lb::controlplane
