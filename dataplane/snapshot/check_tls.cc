#include "dataplane/snapshot/check_tls.h"

#include <set>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/endpoint.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane {
namespace {

namespace type = lb::type::v1;
using Ids = std::set<std::string>;

class TlsChecker final {
 public:
  std::vector<Problem> Run(const type::Snapshot& snapshot) {
    Gather("certificates", snapshot.certificates(), pairs_);
    Gather("trust_bundles", snapshot.trust_bundles(), bundles_);
    Gather("revocation_lists", snapshot.revocation_lists(), revocations_);
    for (const type::Rule& rule : snapshot.rules()) {
      const std::string path = absl::StrCat("rules/", absl::CHexEscape(rule.name()));
      if (rule.has_tls()) CheckServer(absl::StrCat(path, "/tls"), rule.tls());
      if (rule.has_backend_tls())
        CheckBackend(absl::StrCat(path, "/backend_tls"), rule.backend_tls());
      for (const type::Backend& backend : rule.backends())
        CheckServerName(
            absl::StrCat(path, "/backends/", absl::CHexEscape(backend.name()), "/server_name"),
            backend.server_name());
    }
    return std::move(problems_);
  }

 private:
  void Bad(std::string path, std::string message) {
    if (problems_.size() < kMaxProblems)
      problems_.push_back({Problem::Kind::kInvalid, std::move(path), std::move(message)});
  }

  template <typename Items>
  void Gather(const std::string& path, const Items& items, Ids& ids) {
    if (items.size() > kMaxCertificates)
      return Bad(path, absl::StrCat(items.size(), " of them; at most ", kMaxCertificates));
    for (const auto& item : items)
      if (item.id().empty() || !ids.insert(item.id()).second)
        Bad(path,
            absl::StrCat("the id '", absl::CHexEscape(item.id()), "' is empty or there twice"));
  }

  void CheckId(const std::string& path, const std::string& id, const Ids& known) {
    if (!known.contains(id))
      Bad(path, absl::StrCat("'", absl::CHexEscape(id), "' is not in the snapshot"));
  }

  // What it is asked for and compared with ends at a NUL.
  void CheckServerName(const std::string& path, const std::string& name) {
    if (name.size() > kMaxNameBytes)
      Bad(path, absl::StrCat(name.size(), " bytes; at most ", kMaxNameBytes));
    else if (name.find('\0') != std::string::npos)
      Bad(path, absl::StrCat("'", absl::CHexEscape(name), "' has a NUL"));
  }

  void CheckVersion(const std::string& path, type::TlsVersion version) {
    if (!type::TlsVersion_IsValid(version))
      Bad(path, absl::StrCat("this worker does not know ", static_cast<int>(version)));
  }

  void CheckTimeout(const std::string& path, uint64_t milliseconds) {
    if (milliseconds < 1 || milliseconds > kMaxTimeoutMs)
      Bad(path, absl::StrCat(milliseconds, " is not in 1..", kMaxTimeoutMs));
  }

  template <typename Protocols>
  void CheckAlpn(const std::string& path, const Protocols& protocols) {
    if (protocols.size() > kMaxAlpn)
      Bad(path, absl::StrCat(protocols.size(), " protocols; at most ", kMaxAlpn));
    for (const std::string& protocol : protocols)
      if (protocol.empty() || protocol.size() > kMaxAlpnBytes)
        Bad(path,
            absl::StrCat("a protocol of ", protocol.size(), " bytes is not in 1..", kMaxAlpnBytes));
  }

  void CheckServer(const std::string& path, const type::ServerTls& tls) {
    if (tls.certificates_size() < 1 || tls.certificates_size() > kMaxCertificates)
      Bad(absl::StrCat(path, "/certificates"),
          absl::StrCat(tls.certificates_size(), " is not in 1..", kMaxCertificates));
    for (const std::string& id : tls.certificates())
      CheckId(absl::StrCat(path, "/certificates"), id, pairs_);
    CheckVersion(absl::StrCat(path, "/min_version"), tls.min_version());
    CheckAlpn(absl::StrCat(path, "/alpn"), tls.alpn());
    CheckTimeout(absl::StrCat(path, "/handshake_timeout_ms"), tls.handshake_timeout_ms());
    if (!type::ServerTls::ClientAuth_IsValid(tls.client_auth()))
      Bad(absl::StrCat(path, "/client_auth"),
          absl::StrCat("this worker does not know ", static_cast<int>(tls.client_auth())));
    if (tls.client_auth() == type::ServerTls::CLIENT_AUTH_UNSPECIFIED) return;
    CheckId(absl::StrCat(path, "/client_ca"), tls.client_ca(), bundles_);
    if (!tls.client_crl().empty())
      CheckId(absl::StrCat(path, "/client_crl"), tls.client_crl(), revocations_);
  }

  void CheckBackend(const std::string& path, const type::BackendTls& tls) {
    if (!tls.ignore_verify()) CheckId(absl::StrCat(path, "/ca"), tls.ca(), bundles_);
    if (!tls.crl().empty()) CheckId(absl::StrCat(path, "/crl"), tls.crl(), revocations_);
    if (!tls.certificate().empty())
      CheckId(absl::StrCat(path, "/certificate"), tls.certificate(), pairs_);
    CheckVersion(absl::StrCat(path, "/min_version"), tls.min_version());
    CheckAlpn(absl::StrCat(path, "/alpn"), tls.alpn());
    CheckTimeout(absl::StrCat(path, "/handshake_timeout_ms"), tls.handshake_timeout_ms());
  }

  Ids pairs_;
  Ids bundles_;
  Ids revocations_;
  std::vector<Problem> problems_;
};

}  // namespace

std::vector<Problem> CheckTls(const type::Snapshot& snapshot) { return TlsChecker().Run(snapshot); }

}  // namespace lb::dataplane
