#include "controlplane/tls/certificate_book.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_replace.h"
#include "controlplane/tls/pem.h"
#include "controlplane/tls/wanted_files.h"

namespace lb::controlplane {
namespace {

using Kind = CertificateKey::Kind;

CertificateEntry EntryOf(const CertificateFiles& files, const CertificatePair& pair) {
  CertificateEntry entry;
  entry.id = pair.id;
  entry.facts = pair.facts;
  entry.chain_length = static_cast<uint32_t>(pair.chain_der.size());
  entry.ocsp_next_update_s = pair.ocsp_response_der.empty() ? 0 : pair.ocsp_next_update_s;
  entry.key_file = files.key;
  entry.ocsp_file = files.ocsp;
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
  entry.facts.not_after_s = list.next_update_s;
  entry.chain_length = static_cast<uint32_t>(list.crls_der.size());
  return entry;
}

// Adds what one rule uses; `material` lacks what a rule that was left out would need.
void AddRule(const RuleConfig& rule, const TlsMaterial& material,
             CertificateBook::Entries& entries) {
  WantedFiles wanted;
  wanted.Add(rule);
  const auto use = [&](CertificateKey key, const auto& content) {
    const auto [at, fresh] = entries.try_emplace(std::move(key));
    if (fresh) at->second = content();
    std::vector<std::string>& rules = at->second.rules;
    if (rules.empty() || rules.back() != rule.name) rules.push_back(rule.name);
  };
  for (const auto& pair : wanted.pairs) {
    const auto& files = pair.first;
    const auto& by = pair.second;
    const auto found = material.pairs.find(files);
    if (found == material.pairs.end()) continue;
    const auto content = [&] { return EntryOf(files, found->second); };
    if (by.clients) use({files.cert, Kind::kServer}, content);
    if (by.backends) use({files.cert, Kind::kBackend}, content);
  }
  for (const std::string& name : wanted.bundles)
    if (const auto found = material.bundles.find(name); found != material.bundles.end())
      use({BundlePath(name), Kind::kAuthority}, [&] { return EntryOf(found->second); });
  for (const std::string& file : wanted.revocations)
    if (const auto found = material.revocations.find(file); found != material.revocations.end())
      use({file, Kind::kRevocation}, [&] { return EntryOf(found->second); });
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

CertificateState StateOf(const CertificateEntry& entry, WallTime now) {
  const int64_t now_s = SecondsOf(now);
  const int64_t end_s = entry.facts.not_after_s;
  if (!entry.problem.empty()) return CertificateState::kRefused;
  if (now_s < entry.facts.not_before_s) return CertificateState::kNotYetValid;
  if (end_s == 0) return CertificateState::kValid;
  if (now_s >= end_s) return CertificateState::kExpired;
  const bool near = end_s - now_s < std::chrono::seconds(kExpiringWithin).count();
  return near ? CertificateState::kExpiring : CertificateState::kValid;
}

std::vector<CertificateKey> CertificateBook::Take(const Config& config, const TlsMaterial& material,
                                                  WallTime now) {
  Entries fresh;
  for (const RuleConfig& rule : config.rules) AddRule(rule, material, fresh);
  std::vector<CertificateKey> changed;
  for (auto& [key, entry] : fresh) {
    std::sort(entry.rules.begin(), entry.rules.end());
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
