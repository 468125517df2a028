#include "controlplane/config/material_checks.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controlplane/config/build_config.h"
#include "controlplane/config/build_tls.h"
#include "controlplane/config/section_view.h"

namespace lb::controlplane {
namespace {

using Part = MaterialProblem::Part;

// A key that names a file.
struct Named {
  Span span;
  std::string field;
  bool expanded = false;  // What the file is called came out of ${...}.
};

// Where each file is named. What the top level says for several rules is there once.
class Names final {
 public:
  void AddServer(const SectionView& tls) {
    if (!tls.on()) return;
    for (const PairPlace& pair : PairsOf(tls)) AddPair(pair);
    Add(Part::kAuthorities, tls, "client_ca");
    AddRevocations(tls, "client_crl", "client_ca");
  }

  void AddBackend(const SectionView& tls) {
    if (!tls.on()) return;
    if (tls.Value("cert") != nullptr && tls.Value("key") != nullptr)
      AddPair({tls.Value("cert"), tls.Value("key"), nullptr, tls.Field()});
    AddRevocations(tls, "crl", "ca");
    if (tls.Value("ca") != nullptr) return Add(Part::kAuthorities, tls, "ca");
    Insert({Part::kAuthorities, "", {}}, {tls.Place(), tls.Field(), false});
  }

  // What checks verify by; what connections verify by is named there.
  void AddChecks(const SectionView& health_check) {
    const SectionView tls = health_check.Within("tls");
    if (health_check.on() && tls.on()) Add(Part::kAuthorities, tls, "ca");
  }

  // Nothing for what no key names, such as the system's authorities for health checks.
  const std::vector<Named>& Find(const MaterialProblem& problem) const {
    static const std::vector<Named> kNowhere;
    const auto at = named_.find({problem.part, problem.file,
                                 problem.pair.value_or(CertificateFiles{}), problem.authorities});
    return at == named_.end() ? kNowhere : at->second;
  }

 private:
  struct Key {
    Part part;
    std::string file;
    CertificateFiles pair;
    std::optional<std::string> authorities = std::nullopt;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  void AddPair(const PairPlace& pair) {
    const CertificateFiles files{pair.cert->text, pair.key->text,
                                 pair.ocsp == nullptr ? "" : pair.ocsp->text};
    const auto add = [&](Part part, const YamlNode* node, const char* key) {
      if (node == nullptr) return;
      Insert({part, node->text, files},
             {node->span, absl::StrCat(pair.field, ".", key), node->expanded});
    };
    add(Part::kCert, pair.cert, "cert");
    add(Part::kKey, pair.key, "key");
    add(Part::kOcsp, pair.ocsp, "ocsp");
  }

  void Add(Part part, const SectionView& section, std::string_view key) {
    const YamlNode* node = section.Value(key);
    if (node == nullptr) return;
    Insert({part, node->text, {}}, {node->span, section.FieldOf(key), node->expanded});
  }

  // Lists are named for themselves, and as those of their section's authorities.
  void AddRevocations(const SectionView& section, std::string_view key, std::string_view of) {
    const YamlNode* node = section.Value(key);
    if (node == nullptr) return;
    const Named named{node->span, section.FieldOf(key), node->expanded};
    Insert({Part::kRevocations, node->text, {}}, named);
    Insert({Part::kRevocations, node->text, {}, section.Text(of)}, named);
  }

  void Insert(const Key& key, Named named) {
    std::vector<Named>& at = named_[key];
    for (const Named& other : at)
      if (other.span.begin == named.span.begin) return;
    at.push_back(std::move(named));
  }

  std::map<Key, std::vector<Named>> named_;
};

std::string FileText(const MaterialProblem& problem, bool expanded) {
  if (problem.part == Part::kAuthorities && problem.file.empty())
    return "the authorities of the system";
  return expanded ? "the file that ${...} names" : Quote(problem.file);
}

RawFinding FindingOf(const MaterialProblem& problem, const Named* named) {
  const bool expanded = named != nullptr && named->expanded;
  RawFinding finding;
  finding.severity = problem.error ? Finding::Severity::kError : Finding::Severity::kWarning;
  finding.code = problem.code;
  finding.message = absl::StrCat(FileText(problem, expanded), ": ", problem.message,
                                 problem.old_stays ? "; what was loaded before stays" : "");
  finding.hint = problem.hint;
  if (named == nullptr) return finding;
  finding.span = named->span;
  finding.field = named->field;
  return finding;
}

}  // namespace

void ReportMaterial(const YamlNode& root, const Config& config, const MaterialProblems& problems,
                    FindingList& findings) {
  if (problems.empty()) return;
  Names names;
  const YamlNode* rules = root.Find("rules");
  for (size_t i = 0; i < config.rules.size(); ++i) {
    const YamlNode& rule = rules->children[i];
    names.AddServer(SectionView(root, "tls", rule, RuleField(i)));
    names.AddBackend(SectionView(root, "backend_tls", rule, RuleField(i)));
    names.AddChecks(SectionView(root, "health_check", rule, RuleField(i)));
  }
  for (const MaterialProblem& problem : problems) {
    const std::vector<Named>& places = names.Find(problem);
    if (places.empty()) findings.Add(FindingOf(problem, nullptr));
    for (const Named& named : places) findings.Add(FindingOf(problem, &named));
  }
}

}  // namespace lb::controlplane
