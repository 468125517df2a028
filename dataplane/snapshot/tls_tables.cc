#include "dataplane/snapshot/tls_tables.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "dataplane/snapshot/build_tables.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane {
namespace {

namespace type = lb::type::v1;

template <typename Item>
std::map<std::string, const Item*> ById(const google::protobuf::RepeatedPtrField<Item>& items) {
  std::map<std::string, const Item*> by_id;
  for (const Item& item : items) by_id.emplace(item.id(), &item);
  return by_id;
}

template <typename Strings>
std::vector<std::string> ToVector(const Strings& strings) {
  return {strings.begin(), strings.end()};
}

class Builder final {
 public:
  Builder(const type::Snapshot& snapshot, TlsCache& cache, std::vector<Problem>& problems)
      : pairs_(ById(snapshot.certificates())),
        bundles_(ById(snapshot.trust_bundles())),
        revocations_(ById(snapshot.revocation_lists())),
        cache_(cache),
        problems_(problems) {}

  std::shared_ptr<const tls::ServerContext> MakeServer(const std::string& rule,
                                                       const type::ServerTls& from) {
    const std::string key = absl::StrCat(rule, "\n", from.SerializeAsString());
    if (auto known = cache_.servers.Find(key)) return known;
    tls::ServerContext::Settings settings;
    settings.rule = rule;
    settings.certificates = CertificatesOf(ToVector(from.certificates()));
    settings.strict_sni = from.strict_sni();
    settings.only_1_3 = from.min_version() == type::TLS_VERSION_1_3;
    settings.alpn = ToVector(from.alpn());
    if (from.client_auth() != type::ServerTls::CLIENT_AUTH_UNSPECIFIED) {
      settings.trust = TrustOf(from.client_ca(), from.client_crl());
      settings.trust_id = absl::StrCat(from.client_ca(), "\n", from.client_crl());
      settings.requires_certificate = from.client_auth() == type::ServerTls::CLIENT_AUTH_REQUIRE;
    }
    if (!problems_.empty()) return nullptr;
    auto made = std::make_shared<const tls::ServerContext>(std::move(settings), cache_.ticket_keys);
    cache_.servers.Keep(key, made);
    return made;
  }

  std::shared_ptr<const tls::ClientContext> MakeBackend(const std::string& rule,
                                                        const type::BackendTls& from) {
    const std::string key = absl::StrCat(rule, "\n", from.SerializeAsString());
    if (auto known = cache_.clients.Find(key)) return known;
    tls::ClientContext::Settings settings;
    if (!from.ignore_verify()) settings.trust = TrustOf(from.ca(), from.crl());
    if (!from.certificate().empty()) settings.pair = PairOf(from.certificate());
    settings.only_1_3 = from.min_version() == type::TLS_VERSION_1_3;
    settings.alpn = ToVector(from.alpn());
    if (!problems_.empty()) return nullptr;
    auto made = std::make_shared<const tls::ClientContext>(std::move(settings));
    cache_.clients.Keep(key, made);
    return made;
  }

 private:
  template <typename Object>
  std::shared_ptr<const Object> Take(const std::string& path,
                                     absl::StatusOr<std::shared_ptr<const Object>> made,
                                     const std::string& key, WeakMap<Object>& known) {
    if (!made.ok()) {
      if (problems_.size() < kMaxProblems)
        problems_.push_back({Problem::Kind::kInvalid, path, std::string(made.status().message())});
      return nullptr;
    }
    known.Keep(key, *made);
    return *std::move(made);
  }

  std::shared_ptr<const tls::Pair> PairOf(const std::string& id) {
    if (auto known = cache_.pairs.Find(id)) return known;
    return Take<tls::Pair>(absl::StrCat("certificates/", id), tls::ParsePair(*pairs_.at(id)), id,
                           cache_.pairs);
  }

  std::shared_ptr<const tls::Trust> TrustOf(const std::string& bundle, const std::string& crl) {
    const std::string key = absl::StrCat(bundle, "\n", crl);
    if (auto known = cache_.trusts.Find(key)) return known;
    return Take<tls::Trust>(
        absl::StrCat("trust_bundles/", bundle),
        tls::Trust::Make(*bundles_.at(bundle), crl.empty() ? nullptr : revocations_.at(crl)), key,
        cache_.trusts);
  }

  std::shared_ptr<const tls::Certificates> CertificatesOf(const std::vector<std::string>& ids) {
    std::string key;
    for (const std::string& id : ids) absl::StrAppend(&key, id, "\n");
    if (auto known = cache_.certificates.Find(key)) return known;
    std::vector<std::shared_ptr<const tls::Pair>> pairs;
    for (const std::string& id : ids) {
      auto pair = PairOf(id);
      if (pair != nullptr) pairs.push_back(std::move(pair));
    }
    if (!problems_.empty()) return nullptr;
    auto made = std::make_shared<const tls::Certificates>(std::move(pairs));
    cache_.certificates.Keep(key, made);
    return made;
  }

  const std::map<std::string, const type::CertificatePair*> pairs_;
  const std::map<std::string, const type::TrustBundle*> bundles_;
  const std::map<std::string, const type::RevocationList*> revocations_;
  TlsCache& cache_;
  std::vector<Problem>& problems_;
};

}  // namespace

std::map<std::string, RuleTls> BuildTls(const type::Snapshot& snapshot, TlsCache& cache,
                                        std::vector<Problem>& problems) {
  std::map<std::string, RuleTls> rules;
  Builder builder(snapshot, cache, problems);
  for (const type::Rule& rule : snapshot.rules()) {
    if (!rule.has_tls() && !rule.has_backend_tls()) continue;
    RuleTls& made = rules[rule.name()];
    if (rule.has_tls()) made.server = builder.MakeServer(rule.name(), rule.tls());
    if (rule.has_backend_tls()) made.backend = builder.MakeBackend(rule.name(), rule.backend_tls());
  }
  cache.pairs.Prune();
  cache.trusts.Prune();
  cache.certificates.Prune();
  cache.servers.Prune();
  cache.clients.Prune();
  return rules;
}

}  // namespace lb::dataplane
