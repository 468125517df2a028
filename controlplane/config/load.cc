#include "controlplane/config/load.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controlplane/config/build_cluster.h"
#include "controlplane/config/build_config.h"
#include "controlplane/config/checker.h"
#include "controlplane/config/codes.h"
#include "controlplane/config/cross_checks.h"
#include "controlplane/config/finding_list.h"
#include "controlplane/config/material_checks.h"
#include "controlplane/config/shown_checks.h"
#include "controlplane/config/source_text.h"
#include "controlplane/config/variables.h"
#include "controlplane/config/yaml_reader.h"
#include "controlplane/tls/wanted_files.h"

namespace lb::controlplane {
namespace {

LoadResult Refused(const FindingList& findings, const SourceText& source) {
  return {.config = std::nullopt,
          .findings = findings.Finish(source),
          .findings_total = findings.total()};
}

// A finding about the file as a whole.
LoadResult RefusedWhole(std::string_view code, std::string message) {
  FindingList findings;
  findings.Add({.code = code, .span = std::nullopt, .field = "", .message = std::move(message)});
  return Refused(findings, SourceText(""));
}

// A source that is not given has nothing.
Sources Complete(Sources sources) {
  if (!sources.get_env) sources.get_env = [](const std::string&) { return std::nullopt; };
  if (!sources.read_file) {
    sources.read_file = [](const std::string&) -> absl::StatusOr<std::string> {
      return absl::FailedPreconditionError("files cannot be read here");
    };
  }
  return sources;
}

// What a load is made of.
struct Input {
  const YamlNode& root;
  const SourceText& source;
  const Sources& sources;
};

// The first of several problems of a file says most.
std::map<std::string, std::string> BadFiles(const MaterialProblems& problems) {
  std::map<std::string, std::string> files;
  for (const MaterialProblem& problem : problems)
    if (problem.error || problem.old_stays)
      files.emplace(BundlePath(problem.file), problem.message);
  return files;
}

// Takes out certificates that are no good, where the default is. True when the rule needs nothing
// else that is no good.
bool GoesOnWithout(const TlsMaterial& material, RuleConfig& rule) {
  if (!rule.tls || rule.tls->certificates.empty() ||
      !material.pairs.contains(rule.tls->certificates.front()))
    return false;
  std::erase_if(rule.tls->certificates,
                [&](const CertificateFiles& files) { return !material.pairs.contains(files); });
  return HasFilesOf(material, rule);
}

// Takes the rules out of `config` whose files are no good, of those that may be left out; of a rule
// that can do without some of its certificates, these.
std::vector<RuleConfig> LeaveOut(const TlsMaterial& material, const Sources& sources,
                                 Config& config) {
  std::vector<RuleConfig> left_out;
  std::vector<RuleConfig> kept;
  for (RuleConfig& rule : config.rules) {
    const bool may = sources.leave_out_rules || sources.rules_left_out.contains(rule.name);
    if (may && !HasFilesOf(material, rule)) {
      left_out.push_back(rule);
      if (!GoesOnWithout(material, rule)) continue;
    }
    kept.push_back(std::move(rule));
  }
  config.rules = std::move(kept);
  return left_out;
}

// Whether all errors are about files that no rule of `config` needs.
bool IsGoodWithout(const MaterialResult& loaded, const Config& config) {
  const TlsMaterial& material = *loaded.material;
  // An error about what was taken is one about all files together.
  for (const MaterialProblem& problem : loaded.problems)
    if (problem.error && problem.pair && material.pairs.contains(*problem.pair)) return false;
  return std::all_of(config.rules.begin(), config.rules.end(),
                     [&](const RuleConfig& rule) { return HasFilesOf(material, rule); });
}

// Looks into the files, last of all, and gives the configuration when all is good.
LoadResult Finish(const Input& input, Config config, FindingList& findings) {
  if (!input.sources.load_material) {
    LoadResult result = Refused(findings, input.source);
    if (!findings.has_error()) result.config = std::move(config);
    return result;
  }
  const bool text_is_good = !findings.has_error();
  MaterialResult loaded = input.sources.load_material(config);
  ReportMaterial(input.root, config, loaded.problems, findings);
  CheckShown(input.root, config, *loaded.material, findings);
  LoadResult result = Refused(findings, input.source);
  result.bad_files = BadFiles(loaded.problems);
  if (!text_is_good) return result;
  if (findings.has_error()) {
    std::vector<RuleConfig> left_out = LeaveOut(*loaded.material, input.sources, config);
    if (left_out.empty() || !IsGoodWithout(loaded, config)) return result;
    result.left_out = std::move(left_out);
  }
  result.material = std::move(loaded.material);
  result.config = std::move(config);
  return result;
}

constexpr std::string_view kEmptyMessage =
    "the file has no content; write 'rules: []' for a configuration without rules";

}  // namespace

LoadResult Load(std::string_view text, const Sources& sources) {
  if (text.size() > kMaxConfigBytes) {
    return RefusedWhole(codes::kTooLarge,
                        absl::StrCat("the file has ", text.size(), " bytes; at most ",
                                     kMaxConfigBytes, " are read"));
  }
  const SourceText source(text);
  FindingList findings;
  if (const std::optional<NotText> not_text = FindNotText(text)) {
    findings.Add(
        {.code = codes::kNotText,
         .span = Span{not_text->offset, not_text->offset + 1},
         .field = "",
         .message = absl::StrCat("the file is not plain UTF-8 text: ",
                                 absl::string_view(not_text->why.data(), not_text->why.size()))});
    return Refused(findings, source);
  }
  std::optional<YamlNode> root = ReadYaml(source, findings);
  if (!root.has_value() || root->IsNull()) {
    if (findings.has_error()) return Refused(findings, source);
    return RefusedWhole(codes::kEmpty, std::string(kEmptyMessage));
  }
  const Sources complete = Complete(sources);
  ExpandVariables(*root, complete, findings);
  CheckKeys(*root, complete, findings);
  if (root->kind != YamlNode::Kind::kMap) return Refused(findings, source);
  Config config = BuildConfig(*root);
  config.cluster = BuildCluster(*root, complete, findings);
  CheckAcross(*root, config, findings);
  return Finish({*root, source, complete}, std::move(config), findings);
}

}  // namespace lb::controlplane
