#include "controlplane/tls/certificate_book.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_replace.h"
#include "controlplane/tls/pem.h"
#include "controlplane/tls/wanted_files.h"

namespace lb::controlplane {
namespace {

using Kind = CertificateKey::Kind;

CertificateEntry EntryOf(const CertificatePair& pair) {
  CertificateEntry entry;
  entry.id = pair.id;
  entry.facts = pair.facts;
  entry.chain_length = static_cast<uint32_t>(pair.chain_der.size());
  entry.ocsp_this_update_s = pair.ocsp_response_der.empty() ? 0 : pair.ocsp_this_update_s;
  entry.ocsp_next_update_s = pair.ocsp_response_der.empty() ? 0 : pair.ocsp_next_update_s;
  return entry;
}

CertificateEntry EntryOf(const TrustBundle& bundle) {
  CertificateEntry entry;
  entry.id = bundle.id;
  entry.facts = bundle.first_to_expire;
  entry.chain_length = static_cast<uint32_t>(bundle.certificates_der.size());
  return entry;
}

CertificateEntry EntryOf(const RevocationList& list) {
  CertificateEntry entry;
  entry.id = list.id;
  entry.facts.issuer = list.issuer;
  entry.facts.not_before_s = list.last_update_s;
  entry.facts.not_after_s = list.next_update_s;
  entry.chain_length = static_cast<uint32_t>(list.crls_der.size());
  return entry;
}

// An entry of what `all` has under `name`; without a content where there is none.
template <typename Contents, typename Name, typename Make>
CertificateEntry Find(const Contents& all, const Name& name, Make make) {
  const auto found = all.find(name);
  return found == all.end() ? CertificateEntry{} : make(found->second);
}

// The entries of one rule's files.
CertificateBook::Entries EntriesOf(const RuleConfig& rule, const TlsMaterial& material) {
  WantedFiles wanted;
  wanted.Add(rule);
  CertificateBook::Entries entries;
  const auto make = [](const auto& content) { return EntryOf(content); };
  for (const auto& [files, use] : wanted.pairs) {
    CertificateEntry entry = Find(material.pairs, files, make);
    entry.key_file = files.key;
    entry.ocsp_file = files.ocsp;
    if (use.clients) entries.try_emplace({files.cert, Kind::kServer}, entry);
    if (use.backends) entries.try_emplace({files.cert, Kind::kBackend}, std::move(entry));
  }
  for (const std::string& name : wanted.bundles)
    entries.try_emplace({BundlePath(name), Kind::kAuthority}, Find(material.bundles, name, make));
  for (const std::string& file : wanted.revocations) {
    CertificateEntry entry = Find(material.revocations, file, make);
    entry.of_clients = rule.tls && rule.tls->client_crl == file;
    entry.of_backends = rule.backend_tls && rule.backend_tls->crl == file;
    entries.try_emplace({file, Kind::kRevocation}, std::move(entry));
  }
  return entries;
}

// Adds those of one rule's files that are in force, or those that are not.
void AddRule(const RuleConfig& rule, const TlsMaterial& material, bool in_force,
             CertificateBook::Entries& entries) {
  for (auto& [key, entry] : EntriesOf(rule, material)) {
    if (entry.id.empty() == in_force) continue;
    CertificateEntry& shared = entries.try_emplace(key, entry).first->second;
    shared.of_clients |= entry.of_clients;
    shared.of_backends |= entry.of_backends;
    shared.rules.push_back(rule.name);
  }
}

std::string ProblemOf(const CertificateKey& key, const CertificateEntry& entry,
                      const std::map<std::string, std::string>& problem_by_file) {
  for (const std::string& file : {key.file, entry.key_file, entry.ocsp_file}) {
    const auto problem = problem_by_file.find(file);
    if (!file.empty() && problem != problem_by_file.end())
      return file == key.file ? problem->second : file + ": " + problem->second;
  }
  return "";
}

}  // namespace

std::string CertificateName(const std::string& file) {
  return "certificates/" + absl::StrReplaceAll(file, {{"%", "%25"}, {"/", "%2F"}});
}

Lifetime LifetimeOf(const CertificateKey& key, const CertificateEntry& entry) {
  if (key.file == kSystemAuthorities) return {};
  return {entry.facts.not_before_s, entry.facts.not_after_s};
}

Lifetime ResponseLifetimeOf(const CertificateEntry& entry) {
  return {entry.ocsp_this_update_s, entry.ocsp_next_update_s};
}

bool LacksResponse(const CertificateEntry& entry) {
  return !entry.id.empty() && !entry.ocsp_file.empty() && entry.ocsp_next_update_s == 0;
}

CertificateState StateOf(const CertificateEntry& entry, WallTime now) {
  const int64_t now_s = SecondsOf(now);
  const int64_t end_s = entry.facts.not_after_s;
  if (!entry.problem.empty() || entry.id.empty()) return CertificateState::kRefused;
  if (now_s < entry.facts.not_before_s) return CertificateState::kNotYetValid;
  if (end_s != 0 && now_s >= end_s) return CertificateState::kExpired;
  const int64_t within_s = std::chrono::seconds(kExpiringWithin).count();
  const auto is_near = [&](const Lifetime& lifetime) {
    return lifetime.end_s != 0 && IsNear(lifetime, within_s, now_s);
  };
  const bool near = is_near({entry.facts.not_before_s, end_s}) ||
                    is_near(ResponseLifetimeOf(entry)) || LacksResponse(entry);
  return near ? CertificateState::kExpiring : CertificateState::kValid;
}

std::vector<CertificateKey> CertificateBook::Take(const Config& config, const TlsMaterial& material,
                                                  WallTime now,
                                                  const std::vector<RuleConfig>& left_out) {
  Entries fresh;
  for (const RuleConfig& rule : config.rules) AddRule(rule, material, true, fresh);
  for (const RuleConfig& rule : left_out) AddRule(rule, material, false, fresh);
  std::vector<CertificateKey> changed;
  for (auto& [key, entry] : fresh) {
    std::sort(entry.rules.begin(), entry.rules.end());
    if (entry.id.empty()) continue;
    const auto old = entries_.find(key);
    const bool same = old != entries_.end() && old->second.id == entry.id;
    entry.load_time = same ? old->second.load_time : now;
    if (!same) changed.push_back(key);
  }
  entries_ = std::move(fresh);
  return changed;
}

std::vector<CertificateKey> CertificateBook::Refuse(
    const std::map<std::string, std::string>& problem_by_file) {
  std::vector<CertificateKey> changed;
  for (auto& [key, entry] : entries_) {
    std::string problem = ProblemOf(key, entry, problem_by_file);
    if (!problem.empty() && problem != entry.problem) changed.push_back(key);
    entry.problem = std::move(problem);
  }
  return changed;
}

}  // namespace lb::controlplane
