// The files of TLS in force, and those that rules are left out for: what is in them, who uses them,
// since when, and what is wrong with a newer content of them. What lists, metrics and events about
// certificates are made from.
//
// Nothing of a private key is in it. Pure; threading: none.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "controlplane/config/config.h"
#include "controlplane/tls/lifetime.h"
#include "controlplane/tls/material.h"

namespace lb::controlplane {

struct CertificateKey {
  enum class Kind {
    kServer,      // Shown to clients.
    kBackend,     // Shown to backends.
    kAuthority,   // Authorities of clients or backends.
    kRevocation,  // Lists of what they have revoked.
  };
  std::string file;
  Kind kind = Kind::kServer;

  friend auto operator<=>(const CertificateKey&, const CertificateKey&) = default;
};

struct CertificateEntry {
  std::string id;  // Of the content; empty: the file was never good, and rules are left out.
  // Of the certificate; of authorities: of the one that expires first; of revocation lists only the
  // issuer, the last update (`not_before_s`) and the next (`not_after_s`; 0: none is said).
  CertificateFacts facts;
  uint32_t chain_length = 0;  // Certificates in the file, or lists.
  int64_t ocsp_this_update_s = 0;
  int64_t ocsp_next_update_s = 0;  // 0: nothing is stapled.
  std::vector<std::string> rules;  // That use it, by name, sorted.
  WallTime load_time{};            // When this content came into force; of none: 0.
  std::string problem;             // Why a newer content is refused; empty: there is none.
  // The file of the key, and of the response that is stapled: empty where there is none.
  std::string key_file;
  std::string ocsp_file;
  // Of revocation lists: whose certificates they are about.
  bool of_clients = false;
  bool of_backends = false;
};

// Of what it holds. An end of 0: it has none that anybody here has to look after. Of the system's
// authorities, which are many, the system takes care.
Lifetime LifetimeOf(const CertificateKey& key, const CertificateEntry& entry);

// Of the response that is stapled to it; an end of 0: there is none.
Lifetime ResponseLifetimeOf(const CertificateEntry& entry);

// Whether a response is configured, and none is stapled.
bool LacksResponse(const CertificateEntry& entry);

// "certificates/%2Fetc%2Flb%2Fa.pem": what the API calls a file.
std::string CertificateName(const std::string& file);

enum class CertificateState { kValid, kExpiring, kExpired, kNotYetValid, kRefused };

// An end that is nearer than this is near, and so is one in the last third of its lifetime,
// whichever is later: see NearS.
inline constexpr std::chrono::hours kExpiringWithin{14 * 24};

// How it stands. A refused newer content counts more than anything else. A response that is old, or
// will soon be, is an end that is near.
CertificateState StateOf(const CertificateEntry& entry, WallTime now);

class CertificateBook final {
 public:
  using Entries = std::map<CertificateKey, CertificateEntry>;

  // Takes what came into force at `now`: files that are not in it are forgotten, and so are all
  // problems. Returns the keys of those whose content is new, in order. `material` holds what
  // `config` names. Of `left_out`, the rules that are left out of it or lack certificates there
  // since files are no good, those files are entries without a content.
  std::vector<CertificateKey> Take(const Config& config, const TlsMaterial& material, WallTime now,
                                   const std::vector<RuleConfig>& left_out = {});

  // Notes what is wrong with newer contents, by file; what is in force stays. Returns the keys of
  // entries whose problem is new or another one.
  std::vector<CertificateKey> Refuse(const std::map<std::string, std::string>& problem_by_file);

  const Entries& entries() const { return entries_; }

 private:
  Entries entries_;
};

}  // namespace lb::controlplane
