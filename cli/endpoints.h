// Where lbctl may find the control plane, and with which credentials. Plain values.
#pragma once

#include <string>
#include <vector>

#include "base/tls_files.h"

namespace lb::cli {

// Addresses "unix:/PATH" and "HOST:PORT", tried in order. A list with what all of its TCP addresses
// need, so that nothing passes one on without the other.
struct Endpoints final : std::vector<std::string> {
  using std::vector<std::string>::vector;
  using std::vector<std::string>::operator=;

  TlsPaths tls;
  std::string tls_server_name;  // Empty: the host of the address.
};

}  // namespace lb::cli
