#include "cli/context_file.h"

#include <algorithm>
#include <boost/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "cli/age.h"
#include "cli/exit_code.h"
#include "cli/suggest.h"
#include "cli/text.h"
#include "controlplane/config/finding_list.h"
#include "controlplane/config/source_text.h"
#include "controlplane/config/yaml_reader.h"

namespace lb::cli {
namespace {

using controlplane::YamlNode;

constexpr size_t kNameBytesMax = 63;
constexpr char kCurrent[] = "current_context";
constexpr char kContexts[] = "contexts";

// Errors of one file, each with its place.
class Parser final {
 public:
  Parser(const std::string& path, std::string_view text) : path_(path), source_(text) {}

  absl::StatusOr<ContextFile> Parse() const {
    if (const auto not_text = controlplane::FindNotText(source_.text()))
      return At({not_text->offset, not_text->offset}, std::string(not_text->why));
    controlplane::FindingList findings;
    const std::optional<YamlNode> root = controlplane::ReadYaml(source_, findings);
    if (findings.has_error()) {
      const controlplane::Finding first = findings.Finish(source_).at(0);
      return UsageError(absl::StrCat(path_, ":", first.line, ":", first.column, ": ", first.message,
                                     first.hint.empty() ? "" : "; ", first.hint));
    }
    if (!root || root->IsNull()) return ContextFile{};
    return ParseRoot(*root);
  }

 private:
  absl::Status At(controlplane::Span span, const std::string& message) const {
    const controlplane::SourceText::Place place = source_.PlaceOf(span);
    return UsageError(absl::StrCat(path_, ":", place.line, ":", place.column, ": ", message));
  }

  absl::Status Unknown(const YamlNode& node, const std::vector<std::string>& known) const {
    const std::string hint = DidYouMean(node.key, known);
    return At(node.key_span,
              absl::StrCat("unknown key '", Escape(node.key), "'; ",
                           hint.empty() ? "keys are " + absl::StrJoin(known, ", ") : hint));
  }

  absl::StatusOr<ContextFile> ParseRoot(const YamlNode& root) const {
    if (root.kind != YamlNode::Kind::kMap)
      return At(root.Place(), absl::StrCat("keys are expected: ", kCurrent, ", ", kContexts));
    ContextFile file;
    for (const YamlNode& node : root.children) {
      if (node.key == kContexts) {
        LB_RETURN_IF_ERROR(ParseContexts(node, file));
      } else if (node.key == kCurrent && node.kind == YamlNode::Kind::kScalar) {
        file.current = node.IsNull() ? "" : node.text;
      } else if (node.key == kCurrent) {
        return At(node.key_span, absl::StrCat(kCurrent, " is the name of one context"));
      } else if (!controlplane::IsExtensionKey(node.key)) {
        return Unknown(node, {kCurrent, kContexts});
      }
    }
    if (!file.current.empty() && file.contexts.count(file.current) == 0)
      return At(root.Find(kCurrent)->Place(),
                absl::StrCat(kCurrent, " '", Escape(file.current), "' is none of the contexts"));
    return file;
  }

  absl::Status ParseContexts(const YamlNode& node, ContextFile& file) const {
    if (node.IsNull()) return absl::OkStatus();
    if (node.kind != YamlNode::Kind::kMap)
      return At(node.key_span, "contexts are written NAME: {...}");
    if (node.children.size() > kContextsMax)
      return At(node.key_span, absl::StrCat("more than ", kContextsMax, " contexts"));
    for (const YamlNode& one : node.children) {
      if (const absl::Status good = CheckContextName(one.key); !good.ok())
        return At(one.key_span, std::string(good.message()));
      LB_RETURN_IF_ERROR(ParseContext(one, file.contexts[one.key]));
    }
    return absl::OkStatus();
  }

  absl::Status ParseContext(const YamlNode& node, Context& context) const {
    if (node.kind != YamlNode::Kind::kMap)
      return At(node.key_span,
                absl::StrCat("context '", node.key, "' needs settings, as endpoint: HOST:PORT"));
    std::vector<std::string> known;
    for (const ContextKey& key : ContextKeys()) known.push_back(key.key);
    for (const YamlNode& setting : node.children) {
      if (std::find(known.begin(), known.end(), setting.key) == known.end())
        return Unknown(setting, known);
      LB_ASSIGN_OR_RETURN(const std::string value, ValueOf(setting));
      if (const absl::Status good = CheckContextValue(setting.key, value); !good.ok())
        return At(setting.Place(), std::string(good.message()));
      context[setting.key] = value;
    }
    return absl::OkStatus();
  }

  // A text, or for endpoints a list of them.
  absl::StatusOr<std::string> ValueOf(const YamlNode& setting) const {
    if (setting.kind == YamlNode::Kind::kScalar) return setting.text;
    std::vector<std::string> parts;
    for (const YamlNode& part : setting.children)
      if (part.kind == YamlNode::Kind::kScalar) parts.push_back(part.text);
    const bool list = setting.kind == YamlNode::Kind::kList && setting.key == "endpoint" &&
                      parts.size() == setting.children.size();
    if (!list) return At(setting.key_span, absl::StrCat("'", setting.key, "' is one text"));
    return absl::StrJoin(parts, ",");
  }

  const std::string& path_;
  const controlplane::SourceText source_;
};

std::string Quoted(const std::string& text) {
  // JSON's strings are YAML's.
  return boost::json::serialize(boost::json::value(text));
}

}  // namespace

const std::vector<ContextKey>& ContextKeys() {
  static const std::vector<ContextKey> keys = {
      {"endpoint", "LBCTL_ENDPOINT", "--endpoint", false},
      {"tls_ca", "LBCTL_TLS_CA", "--tls-ca", true},
      {"tls_cert", "LBCTL_TLS_CERT", "--tls-cert", true},
      {"tls_key", "LBCTL_TLS_KEY", "--tls-key", true},
      {"tls_server_name", "LBCTL_TLS_SERVER_NAME", "--tls-server-name", false},
      {"timeout", "LBCTL_TIMEOUT", "--timeout", false}};
  return keys;
}

absl::Status CheckContextName(std::string_view name) {
  bool good = !name.empty() && name.size() <= kNameBytesMax &&
              absl::ascii_isalnum(static_cast<unsigned char>(name[0]));
  for (const char c : name)
    good = good &&
           (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-');
  if (good) return absl::OkStatus();
  return UsageError(absl::StrCat("'", Escape(name), "' is no name of a context: letters, digits, ",
                                 "'.', '_' and '-', at most ", kNameBytesMax));
}

absl::Status CheckContextValue(const std::string& key, const std::string& value) {
  if (value.empty()) return UsageError(absl::StrCat("'", key, "' is empty"));
  if (key == "timeout") return ParseDuration("timeout", value).status();
  if (key != "endpoint") return absl::OkStatus();
  for (const absl::string_view part : absl::StrSplit(value, ',')) {
    const bool socket = absl::StartsWith(part, "unix:") && part.size() > sizeof("unix:") - 1;
    const size_t colon = part.rfind(':');
    const bool host_and_port = colon != absl::string_view::npos && colon > 0 &&
                               colon + 1 < part.size() && part.find(' ') == part.npos;
    if (!socket && (!host_and_port || absl::StartsWith(part, "unix:")))
      return UsageError(absl::StrCat("endpoint '", Escape({part.data(), part.size()}),
                                     "' is neither unix:PATH nor HOST:PORT"));
  }
  return absl::OkStatus();
}

absl::StatusOr<ContextFile> ParseContextFile(const std::string& path, std::string_view text) {
  return Parser(path, text).Parse();
}

std::string RenderContextFile(const ContextFile& file) {
  std::string out;
  if (!file.current.empty()) absl::StrAppend(&out, kCurrent, ": ", Quoted(file.current), "\n");
  absl::StrAppend(&out, kContexts, file.contexts.empty() ? ": {}\n" : ":\n");
  for (const auto& [name, context] : file.contexts) {
    absl::StrAppend(&out, "  ", Quoted(name), context.empty() ? ": {}\n" : ":\n");
    for (const ContextKey& key : ContextKeys())
      if (const auto found = context.find(key.key); found != context.end())
        absl::StrAppend(&out, "    ", key.key, ": ", Quoted(found->second), "\n");
  }
  return out;
}

}  // namespace lb::cli
