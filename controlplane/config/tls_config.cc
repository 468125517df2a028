#include "controlplane/config/tls_config.h"

namespace lb::controlplane {

BackendTlsConfig TlsOfChecks(const std::optional<BackendTlsConfig>& connections,
                             const CheckTlsConfig& check) {
  BackendTlsConfig tls = connections.value_or(BackendTlsConfig());
  if (check.ca.has_value() && *check.ca != tls.ca) {
    tls.ca = *check.ca;
    tls.crl.clear();
  }
  if (check.ca.has_value()) tls.ignore_verify = false;
  if (check.ignore_verify) {
    tls.ignore_verify = true;
    tls.ca.clear();
    tls.crl.clear();
  }
  return tls;
}

}  // namespace lb::controlplane
