#include "controlplane/admin/explain_tls.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controlplane/admin/rule_tls.h"
#include "controlplane/tls/wanted_files.h"

namespace lb::controlplane::explain {
namespace {

constexpr size_t kMaxNamesShown = 3;

// "*.example.com" of "www.example.com": the name that a wildcard of one label must be. Empty: none.
std::string WildcardOf(const std::string& name) {
  const size_t dot = name.find('.');
  return dot == std::string::npos ? "" : absl::StrCat("*", name.substr(dot));
}

bool Has(const std::vector<std::string>& names, const std::string& name) {
  return !name.empty() && std::find(names.begin(), names.end(), name) != names.end();
}

// Which of the rule's routes has the name, from 1; 0: none.
uint32_t RouteOf(const LiveRule& rule, const std::string& name) {
  for (size_t i = 0; i < rule.sni_routes.size(); ++i)
    if (Has(rule.sni_routes[i].names, name)) return static_cast<uint32_t>(i + 1);
  return 0;
}

bool HasBackendsOfNoRoute(const LiveRule& rule) {
  const auto of_none = [](const auto& backend) { return backend.sni_route == 0; };
  return std::any_of(rule.backends.begin(), rule.backends.end(), of_none) ||
         std::any_of(rule.unresolved.begin(), rule.unresolved.end(), of_none);
}

uint32_t CheckRoutes(const LiveRule& rule, const std::string& name, Response& out) {
  constexpr char kName[] = "sni";
  if (const uint32_t route = RouteOf(rule, name); route != 0) {
    Add(kName, kPassed, absl::StrCat("route ", route, " has ", name), out);
    return route;
  }
  const std::string wildcard = WildcardOf(name);
  if (const uint32_t route = RouteOf(rule, wildcard); route != 0) {
    Add(kName, kPassed, absl::StrCat("route ", route, " has ", name, " by ", wildcard), out);
    return route;
  }
  const std::string who = name.empty()
                              ? "a client that asks for no name (--sni gives one) takes no route"
                              : absl::StrCat("no route has ", name);
  if (HasBackendsOfNoRoute(rule))
    Add(kName, kPassed, absl::StrCat(who, ": the rule's own backends are for it"), out);
  else
    Add(kName, kRefused, absl::StrCat(who, ", and the rule has no backends of its own"), out);
  return 0;
}

// A certificate of the rule, and how it came to be the one.
struct Chosen {
  std::string file;
  const CertificateEntry* entry = nullptr;  // nullptr: it is not loaded.
  std::string by;                           // The name in it that fits; empty: it is the default.
  bool also_others = false;                 // Others have the name too, with a key of another type.
};

const CertificateEntry* EntryOf(const View& view, const std::string& file) {
  const auto found = view.certificates.entries().find({file, CertificateKey::Kind::kServer});
  return found == view.certificates.entries().end() ? nullptr : &found->second;
}

bool IsEcdsa(const CertificateEntry& entry) {
  return entry.facts.key_type.compare(0, 5, "ECDSA") == 0;
}

// One more that has the name: ECDSA goes before RSA, else the first one stays.
void Offer(const std::string& file, const CertificateEntry& entry, const std::string& by,
           Chosen& chosen) {
  if (chosen.entry == nullptr) {
    chosen = {file, &entry, by, false};
  } else if (IsEcdsa(entry) != IsEcdsa(*chosen.entry)) {
    if (IsEcdsa(entry)) chosen = {file, &entry, by, false};
    chosen.also_others = true;
  }
}

bool ShareName(const CertificateEntry& a, const CertificateEntry& b) {
  const std::vector<std::string>& names = a.facts.dns_names;
  return std::any_of(b.facts.dns_names.begin(), b.facts.dns_names.end(),
                     [&](const std::string& name) {
                       return std::binary_search(names.begin(), names.end(), name);
                     });
}

// The first one, or one of the same name with another key.
Chosen DefaultOf(const TlsConfig& tls, const View& view) {
  const std::string& file = tls.certificates.front().cert;
  const CertificateEntry* const first = EntryOf(view, file);
  Chosen chosen{file, first, "", false};
  if (first == nullptr) return chosen;
  for (const CertificateFiles& files : tls.certificates) {
    const CertificateEntry* entry = EntryOf(view, files.cert);
    if (entry != nullptr && ShareName(*first, *entry)) Offer(files.cert, *entry, "", chosen);
  }
  return chosen;
}

// The same choice as that of dataplane/tls/certificates.h: exact, wildcard, default; for a client
// that can check every kind of key.
Chosen Choose(const TlsConfig& tls, const std::string& name, const View& view) {
  for (const std::string& wanted : {name, WildcardOf(name)}) {
    Chosen chosen;
    for (const CertificateFiles& files : tls.certificates) {
      const CertificateEntry* entry = EntryOf(view, files.cert);
      if (entry != nullptr && Has(entry->facts.dns_names, wanted))
        Offer(files.cert, *entry, wanted, chosen);
    }
    if (chosen.entry != nullptr) return chosen;
  }
  return DefaultOf(tls, view);
}

void CheckCertificate(const TlsConfig& tls, const std::string& name, const View& view,
                      Response& out) {
  constexpr char kName[] = "tls";
  if (name.empty() && tls.strict_sni)
    return Add(kName, kDepends,
               "strict_sni refuses who asks for no name that a certificate has (--sni gives one)",
               out);
  const Chosen chosen = Choose(tls, name, view);
  if (!name.empty() && chosen.by.empty() && tls.strict_sni)
    return Add(kName, kRefused,
               absl::StrCat("no certificate has ", name, ", and strict_sni refuses it"), out);
  std::string text = absl::StrCat(VersionsFrom(tls.min_version), ", ", chosen.file);
  if (chosen.entry == nullptr)
    return Add(kName, kDepends, absl::StrCat(text, ", of which nothing is known yet"), out);
  absl::StrAppend(&text, " (", chosen.entry->facts.key_type, ")");
  if (name.empty())
    absl::StrAppend(&text, ", the default: no name is asked for (--sni gives one)");
  else if (!chosen.by.empty())
    absl::StrAppend(&text, " has ", chosen.by);
  if (chosen.also_others)
    absl::StrAppend(&text, "; another one has it with another key, for clients that need that");
  const CertificateState state = StateOf(*chosen.entry, view.clock.wall);
  const bool out_of_time =
      state == CertificateState::kExpired || state == CertificateState::kNotYetValid;
  if (!name.empty() && chosen.by.empty())
    return Add(kName, kDepends,
               absl::StrCat(text, ", the default: none has ", name,
                            ", and a client that verifies will not take it"),
               out);
  if (out_of_time)
    return Add(kName, kDepends,
               absl::StrCat(text,
                            state == CertificateState::kExpired ? "; it has expired"
                                                                : "; it is not valid yet",
                            ", and a client that verifies will not take it"),
               out);
  Add(kName, kPassed, std::move(text), out);
}

bool IsOver(const std::string& lists, const View& view) {
  const auto found = view.certificates.entries().find({lists, CertificateKey::Kind::kRevocation});
  return found != view.certificates.entries().end() &&
         StateOf(found->second, view.clock.wall) == CertificateState::kExpired;
}

void CheckClientAuth(const LiveRule& rule, const View& view, Response& out) {
  const TlsConfig& tls = *rule.tls;
  constexpr char kName[] = "client_auth";
  if (tls.client_auth == TlsConfig::ClientAuth::kNone) return;
  const std::string good = absl::StrCat(
      tls.client_ca, tls.client_crl.empty() ? "" : ", and not be revoked by ", tls.client_crl);
  if (!tls.client_crl.empty() && IsOver(tls.client_crl, view))
    return Add(kName, tls.client_auth == TlsConfig::ClientAuth::kRequire ? kRefused : kDepends,
               absl::StrCat(tls.client_crl,
                            " is past its next update: every certificate of its "
                            "issuer is refused"),
               out);
  if (tls.client_auth == TlsConfig::ClientAuth::kRequire)
    Add(kName, kDepends, absl::StrCat("its certificate is needed; it must come from ", good), out);
  else
    Add(kName, kPassed, absl::StrCat("a certificate that it shows must come from ", good), out);
  if (!rule.rate_limit || !rule.rate_limit->client_cert ||
      rule.rate_limit->enforce == RateLimitConfig::Enforce::kOff)
    return;
  const bool shadow = rule.rate_limit->enforce == RateLimitConfig::Enforce::kShadow;
  Add("rate_limit.key.client_cert", shadow ? kPassed : kDepends,
      absl::StrCat("the identity in its certificate has ", rule.rate_limit->requests_per_second,
                   "/s, burst ", rule.rate_limit->Burst(), " over all its addresses",
                   shadow ? "; it is only counted" : "; see lbctl get clients"),
      out);
}

// "db.internal", "a, b, c and 2 more" of what the certificates of the backends must have.
std::string NamesOf(const LiveRule& rule, uint32_t route) {
  std::set<std::string> names;
  for (const LiveBackend& backend : rule.backends)
    if (backend.sni_route == route && !backend.server_name.empty())
      names.insert(backend.server_name);
  std::vector<std::string> shown(names.begin(), names.end());
  const size_t more = shown.size() > kMaxNamesShown ? shown.size() - kMaxNamesShown : 0;
  shown.resize(shown.size() - more);
  return absl::StrCat(absl::StrJoin(shown, ", "),
                      more == 0 ? "" : absl::StrCat(" and ", more, " more"));
}

}  // namespace

uint32_t CheckTls(const LiveRule& rule, const std::string& name, const View& view, Response& out) {
  if (!rule.sni_routes.empty()) return CheckRoutes(rule, name, out);
  if (!rule.tls) return 0;
  CheckCertificate(*rule.tls, name, view, out);
  CheckClientAuth(rule, view, out);
  return 0;
}

void CheckBackendTls(const LiveRule& rule, uint32_t route, const std::string& name, Response& out) {
  if (!rule.backend_tls) return;
  const BackendTlsConfig& tls = *rule.backend_tls;
  std::string text = VersionsFrom(tls.min_version);
  const std::string asked = tls.pass_sni && !name.empty() ? name : NamesOf(rule, route);
  if (!asked.empty()) absl::StrAppend(&text, ", asked for ", asked);
  if (tls.ignore_verify) {
    absl::StrAppend(&text, "; any certificate will do (ignore_verify)");
  } else {
    absl::StrAppend(&text, "; verified against ",
                    tls.ca.empty() ? std::string(kSystemAuthorities) : tls.ca);
    if (asked.empty()) absl::StrAppend(&text, ", without a name");
  }
  if (!tls.cert.empty()) absl::StrAppend(&text, "; ", tls.cert, " is shown");
  Add("backend_tls", kPassed, std::move(text), out);
}

}  // namespace lb::controlplane::explain
