// What stands in a set of TLS files. Their content enters no fact but names and times. Blocks on
// the disk. Threading: none.
#pragma once

#include <string>

#include "cli/check/facts.h"

namespace lb::cli {

// Reads the certificate, its key and its authority; `owner` says whose they are.
CertificateFacts ReadCertificateFacts(const std::string& owner, const TlsPaths& paths);

}  // namespace lb::cli
