#include "dataplane/snapshot/live_state.h"

#include "base/check.h"

namespace lb::dataplane {

void RuleState::CallWaiting(bool recovered) {
  const auto call = [recovered](Line& line) {
    if (recovered) line.recoveries.fetch_add(1);
    line.queue.CallNext();
  };
  call(*this);
  for (const auto& route : routes.all()) call(*route);
}

const char* ToString(RefuseReason reason) {
  switch (reason) {
    case RefuseReason::kNoBackend:
      return "no_backend";
    case RefuseReason::kBackendLimit:
      return "backend_limit";
    case RefuseReason::kConnectFailed:
      return "connect_failed";
    case RefuseReason::kWorkerLimit:
      return "worker_limit";
    case RefuseReason::kRuleLimit:
      return "rule_limit";
    case RefuseReason::kQueueFull:
      return "queue_full";
    case RefuseReason::kQueueTimeout:
      return "queue_timeout";
    case RefuseReason::kDenied:
      return "denied";
    case RefuseReason::kProxyHeader:
      return "proxy_header";
    case RefuseReason::kRateLimit:
      return "rate_limit";
    case RefuseReason::kClientLimit:
      return "client_limit";
    case RefuseReason::kTlsHandshake:
      return "tls_handshake";
    case RefuseReason::kTlsTimeout:
      return "tls_timeout";
    case RefuseReason::kSniNoMatch:
      return "sni_no_match";
    case RefuseReason::kClientHello:
      return "client_hello";
    case RefuseReason::kClientCertRate:
      return "client_cert_rate";
    case RefuseReason::kCount:
      break;
  }
  LB_CHECK(false);
}

const char* ToString(CloseReason reason) {
  switch (reason) {
    case CloseReason::kNormal:
      return "normal";
    case CloseReason::kClientReset:
      return "client_reset";
    case CloseReason::kBackendReset:
      return "backend_reset";
    case CloseReason::kIdle:
      return "idle";
    case CloseReason::kHalfClose:
      return "half_close";
    case CloseReason::kDrain:
      return "drain";
    case CloseReason::kKilled:
      return "killed";
    case CloseReason::kTlsTruncated:
      return "tls_truncated";
    case CloseReason::kCount:
      break;
  }
  LB_CHECK(false);
}

const char* ToString(ConnectFailure reason) {
  switch (reason) {
    case ConnectFailure::kRefused:
      return "refused";
    case ConnectFailure::kTimeout:
      return "timeout";
    case ConnectFailure::kUnreachable:
      return "unreachable";
    case ConnectFailure::kNoPort:
      return "no_port";
    case ConnectFailure::kNoDescriptor:
      return "no_descriptor";
    case ConnectFailure::kNoSource:
      return "no_source";
    case ConnectFailure::kReset:
      return "reset";
    case ConnectFailure::kSlow:
      return "slow";
    case ConnectFailure::kOther:
      return "other";
    case ConnectFailure::kTlsHandshake:
      return "tls_handshake";
    case ConnectFailure::kTlsTimeout:
      return "tls_timeout";
    case ConnectFailure::kTlsName:
      return "tls_name";
    case ConnectFailure::kTlsExpired:
      return "tls_expired";
    case ConnectFailure::kTlsUntrusted:
      return "tls_untrusted";
    case ConnectFailure::kTlsRevoked:
      return "tls_revoked";
    case ConnectFailure::kCount:
      break;
  }
  LB_CHECK(false);
}

const char* ToString(HandshakeFailure reason) {
  switch (reason) {
    case HandshakeFailure::kTimeout:
      return "timeout";
    case HandshakeFailure::kProtocol:
      return "protocol";
    case HandshakeFailure::kNoSharedCipher:
      return "no_shared_cipher";
    case HandshakeFailure::kUnsupportedVersion:
      return "unsupported_version";
    case HandshakeFailure::kNotTls:
      return "not_tls";
    case HandshakeFailure::kUnknownName:
      return "unknown_name";
    case HandshakeFailure::kNoClientCert:
      return "no_client_cert";
    case HandshakeFailure::kBadClientCert:
      return "bad_client_cert";
    case HandshakeFailure::kClientAlert:
      return "client_alert";
    case HandshakeFailure::kClosed:
      return "closed";
    case HandshakeFailure::kOverload:
      return "overload";
    case HandshakeFailure::kCount:
      break;
  }
  LB_CHECK(false);
}

}  // namespace lb::dataplane
