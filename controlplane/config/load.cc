#include "controlplane/config/load.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "controlplane/config/build_config.h"
#include "controlplane/config/checker.h"
#include "controlplane/config/codes.h"
#include "controlplane/config/cross_checks.h"
#include "controlplane/config/finding_list.h"
#include "controlplane/config/source_text.h"
#include "controlplane/config/variables.h"
#include "controlplane/config/yaml_reader.h"

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
  CheckAcross(*root, config, findings);
  LoadResult result = Refused(findings, source);
  if (!findings.has_error()) result.config = std::move(config);
  return result;
}

}  // namespace lb::controlplane
