#include "controlplane/tls/load_material.h"

#include <openssl/mem.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controlplane/config/codes.h"
#include "controlplane/tls/bundle.h"
#include "controlplane/tls/coverage.h"
#include "controlplane/tls/pair.h"
#include "controlplane/tls/pem.h"
#include "controlplane/tls/revocation.h"
#include "controlplane/tls/wanted_files.h"

namespace lb::controlplane {
namespace {

using Part = MaterialProblem::Part;

// What others, and the group by writing, should not do with a key.
constexpr uint32_t kOpenKeyMode = 0027;

// A text that may hold a private key.
struct SecretText {
  std::string text;

  explicit SecretText(std::string of) : text(std::move(of)) {}
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  ~SecretText() { OPENSSL_cleanse(text.data(), text.size()); }
};

// One load under way.
class Loader final {
 public:
  explicit Loader(const MaterialSources& sources)
      : sources_(sources), now_s_(SecondsOf(sources.now)) {
    if (sources.in_force == nullptr) return;
    for (const auto& [files, pair] : sources.in_force->pairs) known_.insert(pair.facts.sha256);
    for (const auto& [file, bundle] : sources.in_force->bundles) known_.insert(bundle.id);
    for (const auto& [file, list] : sources.in_force->revocations) known_.insert(list.id);
  }

  void AddPair(const CertificateFiles& files, PairUse use) {
    MaterialProblems problems;
    std::optional<CertificatePair> pair = Read(files, use, problems);
    if (Settle(problems, pair ? pair->facts.sha256 : "") && pair) {
      for (const std::string& der : pair->chain_der) bytes_ += der.size();
      bytes_ += pair->key_der.size() + pair->ocsp_response_der.size();
      material_.pairs.emplace(files, *std::move(pair));
    }
    for (MaterialProblem& problem : problems) {
      problem.file = problem.part == Part::kKey    ? files.key
                     : problem.part == Part::kOcsp ? files.ocsp
                                                   : files.cert;
      problem.pair = files;
      problems_.push_back(std::move(problem));
    }
  }

  void AddBundle(const std::string& name) {
    MaterialProblems problems;
    std::optional<TrustBundle> bundle;
    if (const auto text = ReadFile(BundlePath(name), Part::kAuthorities, problems))
      bundle = ReadBundle(*text, now_s_, problems);
    if (Settle(problems, bundle ? bundle->id : "") && bundle) {
      for (const std::string& der : bundle->certificates_der) bytes_ += der.size();
      material_.bundles.emplace(name, *std::move(bundle));
    }
    Keep(std::move(problems), name);
  }

  void AddRevocations(const std::string& file) {
    MaterialProblems problems;
    std::optional<RevocationList> list;
    if (const auto text = ReadFile(file, Part::kRevocations, problems))
      list = ReadRevocations(*text, now_s_, problems);
    if (Settle(problems, list ? list->id : "") && list) {
      for (const std::string& der : list->crls_der) bytes_ += der.size();
      material_.revocations.emplace(file, *std::move(list));
    }
    Keep(std::move(problems), file);
  }

  // Compares lists and authorities that are both good. Whoever names lists that would refuse
  // everybody gets none.
  void Compare(const std::set<std::pair<std::string, std::string>>& revocations_of) {
    std::set<std::string> refused;
    for (const auto& [file, name] : revocations_of) {
      const auto list = material_.revocations.find(file);
      const auto bundle = material_.bundles.find(name);
      if (list == material_.revocations.end() || bundle == material_.bundles.end()) continue;
      MaterialProblems problems;
      CheckCoverage(bundle->second, list->second, problems);
      for (MaterialProblem& problem : problems) {
        problem.authorities = name;
        if (problem.error) refused.insert(file);
      }
      Keep(std::move(problems), file);
    }
    for (const std::string& file : refused) material_.revocations.erase(file);
  }

  MaterialResult Finish() {
    MaterialResult result;
    if (bytes_ > kMaxMaterialBytes && !material_.pairs.empty())
      AddTooMuch(material_.pairs.rbegin()->first,
                 absl::StrCat("with it the certificates, authorities and revocation lists have ",
                              bytes_, " bytes; at most ", kMaxMaterialBytes, " are taken"));
    result.material = std::make_shared<const TlsMaterial>(std::move(material_));
    result.problems = std::move(problems_);
    return result;
  }

  void AddTooMuch(const CertificateFiles& files, std::string message) {
    problems_.push_back({.part = Part::kCert,
                         .code = codes::kTooMuchMaterial,
                         .message = std::move(message),
                         .file = files.cert,
                         .pair = files});
  }

 private:
  std::optional<CertificatePair> Read(const CertificateFiles& files, PairUse use,
                                      MaterialProblems& problems) {
    const auto cert = ReadFile(files.cert, Part::kCert, problems);
    auto key_text = ReadFile(files.key, Part::kKey, problems);
    const SecretText key(key_text ? *std::move(key_text) : "");
    std::optional<std::string> ocsp;
    if (!files.ocsp.empty()) ocsp = ReadFile(files.ocsp, Part::kOcsp, problems);
    if (!problems.empty()) return std::nullopt;
    CheckMode(files.key, problems);
    PairText text{*cert, key.text};
    if (ocsp) text.ocsp = *ocsp;
    return ReadPair(text, use, now_s_, problems);
  }

  void CheckMode(const std::string& path, MaterialProblems& problems) const {
    if (!sources_.read_mode) return;
    const std::optional<uint32_t> mode = sources_.read_mode(path);
    if (!mode || (*mode & kOpenKeyMode) == 0) return;
    problems.push_back({.part = Part::kKey,
                        .error = false,
                        .code = codes::kOpenKey,
                        .message = "others than its owner may use this private key",
                        .hint = "chmod 600 it, and replace it when others have read it"});
  }

  std::optional<std::string> ReadFile(const std::string& path, Part part,
                                      MaterialProblems& problems) {
    absl::StatusOr<std::string> text = sources_.read_file(path);
    if (text.ok()) return *std::move(text);
    problems.push_back({.part = part,
                        .code = codes::kFile,
                        .message = absl::StrCat("cannot be read: ", text.status().message())});
    return std::nullopt;
  }

  // Makes what time has done to what is in force a warning. Returns whether no error is left.
  bool Settle(MaterialProblems& problems, const std::string& id) const {
    const bool known = sources_.at_start || known_.contains(id);
    bool good = true;
    for (MaterialProblem& problem : problems) {
      if (known && problem.code == codes::kOutOfTime) {
        problem.error = false;
        problem.code = codes::kOutOfTimeInForce;
      }
      good &= !problem.error;
    }
    return good;
  }

  void Keep(MaterialProblems problems, const std::string& file) {
    for (MaterialProblem& problem : problems) {
      problem.file = file;
      problems_.push_back(std::move(problem));
    }
  }

  const MaterialSources& sources_;
  const int64_t now_s_;
  std::set<std::string> known_;  // Contents in force.
  TlsMaterial material_;
  size_t bytes_ = 0;
  MaterialProblems problems_;
};

}  // namespace

MaterialResult LoadMaterial(const Config& config, const MaterialSources& sources) {
  const WantedFiles wanted = FilesOf(config);
  Loader loader(sources);
  size_t pairs = 0;
  for (const auto& [files, use] : wanted.pairs) {
    if (++pairs > kMaxPairs) {
      loader.AddTooMuch(
          files, absl::StrCat(wanted.pairs.size(), " certificates are named; at most ", kMaxPairs,
                              " are taken"));
      break;
    }
    loader.AddPair(files, use);
  }
  for (const std::string& name : wanted.bundles) loader.AddBundle(name);
  for (const std::string& file : wanted.revocations) loader.AddRevocations(file);
  loader.Compare(wanted.revocations_of);
  return loader.Finish();
}

}  // namespace lb::controlplane
