#include "controlplane/config/other_names.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace lb::controlplane {
namespace {

struct OtherName {
  std::string_view other;  // Lower case, '-' as '_'.
  std::string_view ours;   // A path, or a word of a choice.
};

// A name that means several things stands once for each, the most likely first.
constexpr std::array kKeys = {
    OtherName{"ssl", "rules[].tls"},
    OtherName{"bind_ssl", "rules[].tls"},
    OtherName{"downstream_tls_context", "rules[].tls"},
    OtherName{"ssl_certificate", "tls.cert"},
    OtherName{"ssl_certificate_key", "tls.key"},
    OtherName{"crt", "tls.cert"},
    OtherName{"crt", "backend_tls.cert"},
    OtherName{"crt_list", "tls.certificates"},
    OtherName{"certfile", "tls.cert"},
    OtherName{"cert_file", "tls.cert"},
    OtherName{"keyfile", "tls.key"},
    OtherName{"key_file", "tls.key"},
    OtherName{"private_key", "tls.key"},
    OtherName{"ssl_client_certificate", "tls.client_ca"},
    OtherName{"ssl_trusted_certificate", "tls.client_ca"},
    OtherName{"ca", "tls.client_ca"},
    OtherName{"ca_file", "tls.client_ca"},
    OtherName{"ca_file", "backend_tls.ca"},
    OtherName{"cafile", "backend_tls.ca"},
    OtherName{"trusted_ca", "backend_tls.ca"},
    OtherName{"ssl_verify_client", "tls.client_auth"},
    OtherName{"require_client_certificate", "tls.client_auth"},
    OtherName{"verify", "tls.client_auth"},
    OtherName{"verify", "backend_tls.ignore_verify"},
    OtherName{"insecure_skip_verify", "backend_tls.ignore_verify"},
    OtherName{"skip_verify", "backend_tls.ignore_verify"},
    OtherName{"insecure", "backend_tls.ignore_verify"},
    OtherName{"proxy_ssl_verify", "backend_tls.ignore_verify"},
    OtherName{"verify_hostname", "backend_tls.server_name"},
    OtherName{"ssl_crl", "tls.client_crl"},
    OtherName{"crl", "tls.client_crl"},
    OtherName{"crl_file", "tls.client_crl"},
    OtherName{"crl_file", "backend_tls.crl"},
    OtherName{"ssl_stapling_file", "tls.ocsp"},
    OtherName{"ocsp_staple", "tls.ocsp"},
    OtherName{"ssl_protocols", "tls.min_version"},
    OtherName{"ssl_min_ver", "tls.min_version"},
    OtherName{"ssl_min_ver", "backend_tls.min_version"},
    OtherName{"min_tls_version", "tls.min_version"},
    OtherName{"min_tls_version", "backend_tls.min_version"},
    OtherName{"minversion", "tls.min_version"},
    OtherName{"tls_minimum_protocol_version", "tls.min_version"},
    OtherName{"alpn_protocols", "tls.alpn"},
    OtherName{"alpn_protocols", "backend_tls.alpn"},
    OtherName{"sni_strict", "tls.strict_sni"},
    OtherName{"proxy_ssl", "backend_tls"},
    OtherName{"upstream_tls_context", "backend_tls"},
    OtherName{"proxy_ssl_name", "backend_tls.server_name"},
    OtherName{"verifyhost", "backend_tls.server_name"},
    OtherName{"sni", "backend_tls.server_name"},
    OtherName{"sni_hosts", "rules[].sni[].names"},
    OtherName{"server_names", "rules[].sni[].names"},
    OtherName{"hosts", "rules[].sni[].names"},
    OtherName{"check_ssl", "health_check.tls"},
    OtherName{"check_sni", "health_check.tls.server_name"},
    OtherName{"bind", "rules[].listen"},
    OtherName{"encrypt", "cluster.key"},
    OtherName{"encrypt_key", "cluster.key"},
    OtherName{"secret_key", "cluster.key"},
    OtherName{"gossip_key", "cluster.key"},
    OtherName{"keyring_file", "cluster.key_file"},
    OtherName{"join", "cluster.peers"},
    OtherName{"retry_join", "cluster.peers"},
    OtherName{"start_join", "cluster.peers"},
    OtherName{"seeds", "cluster.peers"},
    OtherName{"bind", "cluster.bind_addr"},
    OtherName{"advertise", "cluster.advertise_addr"},
    OtherName{"node_name", "cluster.name"},
};

constexpr std::array kCiphers = {std::string_view("ciphers"), std::string_view("ssl_ciphers"),
                                 std::string_view("cipher_suites"),
                                 std::string_view("ciphersuites")};

constexpr std::array kWords = {
    OtherName{"optional", "request"},  OtherName{"verify", "require"}, OtherName{"on", "require"},
    OtherName{"mandatory", "require"}, OtherName{"off", "none"},       OtherName{"tlsv1.2", "1.2"},
    OtherName{"tlsv1.3", "1.3"},       OtherName{"tls1.2", "1.2"},     OtherName{"tls1.3", "1.3"},
    OtherName{"tlsv1_2", "1.2"},       OtherName{"tlsv1_3", "1.3"},    OtherName{"tls12", "1.2"},
    OtherName{"tls13", "1.3"},         OtherName{"https", "http"},     OtherName{"ssl", "tls"},
};

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

std::string Plain(std::string_view word) {
  std::string plain = absl::AsciiStrToLower(Absl(word));
  std::replace(plain.begin(), plain.end(), '-', '_');
  return plain;
}

// Without what stands between the parts of a word.
std::string Joined(std::string_view word) {
  std::string joined(word);
  joined.erase(std::remove(joined.begin(), joined.end(), '_'), joined.end());
  return joined;
}

bool Has(const std::vector<std::string_view>& known, std::string_view word) {
  return std::find(known.begin(), known.end(), word) != known.end();
}

}  // namespace

std::string_view KeyForOther(std::string_view key, const std::vector<std::string_view>& known) {
  const std::string plain = Plain(key);
  for (const std::string_view ours : known)
    if (Joined(ours) == Joined(plain)) return ours;
  for (const OtherName& name : kKeys) {
    const std::string_view last = name.ours.substr(name.ours.rfind('.') + 1);
    if (name.other == plain && Has(known, last)) return last;
  }
  return "";
}

std::string PlaceOfOtherKey(std::string_view key) {
  const std::string plain = Plain(key);
  if (std::find(kCiphers.begin(), kCiphers.end(), plain) != kCiphers.end())
    return "suites are not chosen: all of them are modern; min_version bounds the versions";
  const auto at = std::find_if(kKeys.begin(), kKeys.end(),
                               [&](const OtherName& name) { return name.other == plain; });
  return at == kKeys.end() ? "" : absl::StrCat("here it is ", Absl(at->ours));
}

std::string_view WordForOther(std::string_view word, const std::vector<std::string_view>& known) {
  const std::string plain = Plain(word);
  for (const OtherName& name : kWords)
    if (name.other == plain && Has(known, name.ours)) return name.ours;
  return "";
}

}  // namespace lb::controlplane
