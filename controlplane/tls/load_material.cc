#include "controlplane/tls/load_material.h"

#include <openssl/mem.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

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

size_t BytesOf(const std::vector<std::string>& all) {
  size_t bytes = 0;
  for (const std::string& der : all) bytes += der.size();
  return bytes;
}

size_t BytesOf(const CertificatePair& pair) {
  return BytesOf(pair.chain_der) + pair.key_der.size() + pair.ocsp_response_der.size();
}

size_t BytesOf(const TrustBundle& bundle) { return BytesOf(bundle.certificates_der); }

size_t BytesOf(const RevocationList& list) { return BytesOf(list.crls_der); }

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
    const std::string id = pair ? pair->facts.sha256 : "";
    Settle(&TlsMaterial::pairs, files, std::move(pair), id, problems);
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
    // Of those of the system some have always expired, and nobody here can mend it.
    if (name.empty())
      std::erase_if(problems, [](const MaterialProblem& problem) {
        return problem.code == codes::kSomeOutOfTime;
      });
    const std::string id = bundle ? bundle->id : "";
    Settle(&TlsMaterial::bundles, name, std::move(bundle), id, problems);
    Keep(std::move(problems), name);
  }

  void AddRevocations(const std::string& file) {
    MaterialProblems problems;
    std::optional<RevocationList> list;
    if (const auto text = ReadFile(file, Part::kRevocations, problems))
      list = ReadRevocations(*text, now_s_, problems);
    const std::string id = list ? list->id : "";
    Settle(&TlsMaterial::revocations, file, std::move(list), id, problems);
    Keep(std::move(problems), file);
  }

  // Compares lists and authorities that are both good. Where those in force go together they stay,
  // both of them; else whoever names lists that would refuse everybody gets none.
  void Compare(const std::set<std::pair<std::string, std::string>>& revocations_of) {
    std::map<std::pair<std::string, std::string>, MaterialProblems> found;
    // What was put back may not go with what was compared before it: then all are compared again.
    // Each time at least one pair is put back, for good.
    for (bool again = true; again;) {
      again = false;
      for (const auto& pair : revocations_of) {
        found[pair] = Coverage(material_, pair.first, pair.second);
        again |= HasError(found[pair]) && PutBack(pair.first, pair.second, found[pair]);
      }
    }
    std::set<std::string> refused;
    for (auto& [pair, problems] : found) {
      const auto& [file, name] = pair;
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
  static MaterialProblems Coverage(const TlsMaterial& material, const std::string& file,
                                   const std::string& name) {
    MaterialProblems problems;
    const auto list = material.revocations.find(file);
    const auto bundle = material.bundles.find(name);
    if (list != material.revocations.end() && bundle != material.bundles.end())
      CheckCoverage(bundle->second, list->second, problems);
    return problems;
  }

  static bool HasError(const MaterialProblems& problems) {
    return std::any_of(problems.begin(), problems.end(),
                       [](const MaterialProblem& problem) { return problem.error; });
  }

  // True when the lists and the authorities in force were put back, because of what is wrong with
  // the new ones and not with these.
  bool PutBack(const std::string& file, const std::string& name, MaterialProblems problems) {
    if (sources_.in_force == nullptr) return false;
    const TlsMaterial& old = *sources_.in_force;
    if (!old.revocations.contains(file) || !old.bundles.contains(name) ||
        HasError(Coverage(old, file, name)))
      return false;
    material_.revocations[file] = old.revocations.at(file);
    material_.bundles[name] = old.bundles.at(name);
    for (MaterialProblem& problem : problems) problem.authorities = name;
    MarkOldStays(problems);
    Keep(std::move(problems), file);
    return true;
  }

  // Warnings are about a content that nobody uses.
  static void MarkOldStays(MaterialProblems& problems) {
    problems.erase(std::remove_if(problems.begin(), problems.end(),
                                  [](const MaterialProblem& problem) { return !problem.error; }),
                   problems.end());
    for (MaterialProblem& problem : problems) {
      problem.error = false;
      problem.old_stays = true;
      problem.code = codes::kOldStays;
    }
  }

  std::optional<CertificatePair> Read(const CertificateFiles& files, PairUse use,
                                      MaterialProblems& problems) {
    const auto cert = ReadFile(files.cert, Part::kCert, problems);
    auto key_text = ReadFile(files.key, Part::kKey, problems);
    const SecretText key(key_text ? *std::move(key_text) : "");
    if (!cert || !problems.empty()) return std::nullopt;
    std::optional<std::string> ocsp;
    CheckMode(files.key, problems);
    if (!files.ocsp.empty()) ocsp = ReadResponse(files.ocsp, problems);
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

  // Handshakes go on without a response, whatever is wrong with its file.
  std::optional<std::string> ReadResponse(const std::string& path, MaterialProblems& problems) {
    std::optional<std::string> response = ReadFile(path, Part::kOcsp, problems);
    if (response) return response;
    problems.back().error = false;
    problems.back().code = codes::kNotStapled;
    problems.back().message += "; it is not stapled";
    return std::nullopt;
  }

  // Takes what was read when no error is left once what time has done to a content in force is a
  // warning; else what is in force under that very name, if there is such.
  template <typename Key, typename Content>
  void Settle(std::map<Key, Content> TlsMaterial::*all, const Key& key,
              std::optional<Content> content, const std::string& id, MaterialProblems& problems) {
    if (NoErrorIsLeft(id, problems) && content) return Take(all, key, *std::move(content));
    if (sources_.in_force == nullptr) return;
    const std::map<Key, Content>& known = (*sources_.in_force).*all;
    const auto old = known.find(key);
    if (old == known.end()) return;
    Take(all, key, old->second);
    MarkOldStays(problems);
  }

  template <typename Key, typename Content>
  void Take(std::map<Key, Content> TlsMaterial::*all, const Key& key, Content content) {
    bytes_ += BytesOf(content);
    (material_.*all).emplace(key, std::move(content));
  }

  bool NoErrorIsLeft(const std::string& id, MaterialProblems& problems) const {
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
