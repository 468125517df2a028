#include "controlplane/config/variables.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "controlplane/config/codes.h"
#include "controlplane/config/field_path.h"
#include "controlplane/config/key_table.h"

namespace lb::controlplane {
namespace {

constexpr std::string_view kFilePrefix = "file:";

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

// POSIX.1 section 8.1: what programs of the base system use as names of environment variables.
size_t NameLength(std::string_view text) {
  size_t length = 0;
  while (length < text.size()) {
    const auto c = static_cast<unsigned char>(text[length]);
    const bool good = absl::ascii_isalpha(c) || c == '_' || (length > 0 && absl::ascii_isdigit(c));
    if (!good) break;
    ++length;
  }
  return length;
}

class Expander final {
 public:
  Expander(const Sources& sources, FindingList& findings)
      : sources_(sources), findings_(findings) {}

  void Walk(YamlNode& node) {
    if (node.kind == YamlNode::Kind::kScalar) {
      if (node.text.find("${") != std::string::npos) node.unusable = !Expand(node);
      return;
    }
    for (size_t i = 0; i < node.children.size(); ++i) {
      YamlNode& child = node.children[i];
      if (IsExtensionKey(child.key)) continue;
      const FieldPath::Scope scope(path_, node.kind, child.key, i);
      Walk(child);
    }
  }

 private:
  // Replaces the variables in a scalar; false with a finding when one has no value.
  bool Expand(YamlNode& node) {
    std::string result;
    std::string_view rest = node.text;
    while (!rest.empty()) {
      const size_t dollar = rest.find("${");
      if (dollar == std::string_view::npos) break;
      if (dollar > 0 && rest[dollar - 1] == '$') {
        absl::StrAppend(&result, Absl(rest.substr(0, dollar - 1)), "${");
        rest.remove_prefix(dollar + 2);
        continue;
      }
      absl::StrAppend(&result, Absl(rest.substr(0, dollar)));
      const size_t close = rest.find('}', dollar);
      if (close == std::string_view::npos) {
        Refuse(node, "a '}' is missing after '${'", "write $${ for the characters ${");
        return false;
      }
      const std::string_view inside = rest.substr(dollar + 2, close - dollar - 2);
      if (!Append(node, inside, result)) return false;
      rest.remove_prefix(close + 1);
      node.expanded = true;
    }
    absl::StrAppend(&result, Absl(rest));
    node.text = std::move(result);
    return true;
  }

  // Appends what "${inside}" stands for; false with a finding when there is nothing.
  bool Append(const YamlNode& node, std::string_view inside, std::string& result) {
    std::optional<std::string> value;
    if (inside.substr(0, kFilePrefix.size()) == kFilePrefix)
      value = FromFile(node, std::string(inside.substr(kFilePrefix.size())));
    else
      value = FromEnvironment(node, inside);
    if (!value.has_value()) return false;
    expanded_bytes_ += value->size();
    if (expanded_bytes_ > kMaxExpandedBytes) {
      Refuse(node, absl::StrCat("variables give more than ", kMaxExpandedBytes, " bytes"), "");
      return false;
    }
    absl::StrAppend(&result, *value);
    return true;
  }

  std::optional<std::string> FromFile(const YamlNode& node, const std::string& path) {
    absl::StatusOr<std::string> content = sources_.read_file(path);
    if (!content.ok()) {
      findings_.Add(
          {.code = codes::kFile,
           .span = node.span,
           .field = path_.ToString(),
           .message = absl::StrCat("cannot read ", Quote(path), ": ", content.status().message())});
      return std::nullopt;
    }
    // Editors and `echo` end a file with a line break that is no part of a secret.
    if (!content->empty() && content->back() == '\n') content->pop_back();
    if (!content->empty() && content->back() == '\r') content->pop_back();
    return *std::move(content);
  }

  std::optional<std::string> FromEnvironment(const YamlNode& node, std::string_view inside) {
    const size_t length = NameLength(inside);
    const std::string name(inside.substr(0, length));
    const std::string_view rest = inside.substr(length);
    const std::string_view operation = rest.substr(0, 2);
    const bool good = length > 0 && (rest.empty() || operation == ":-" || operation == ":?");
    if (!good) {
      Refuse(node,
             IsSecret()
                 ? std::string("it has something that is no variable")
                 : absl::StrCat(Quote(absl::StrCat("${", Absl(inside), "}")), " is no variable"),
             "write ${NAME}, ${NAME:-default}, ${NAME:?message} or ${file:/path}");
      return std::nullopt;
    }
    std::optional<std::string> value = sources_.get_env(name);
    // As in a shell: with ':', empty counts as unset.
    const bool missing = !value.has_value() || (value->empty() && !rest.empty());
    if (!missing) return value;
    if (operation == ":-") return std::string(rest.substr(2));
    if (operation == ":?" && rest.size() > 2) {
      Refuse(node,
             absl::StrCat("variable ", name, ": ",
                          IsSecret() ? absl::string_view("it is not set") : Absl(rest.substr(2))),
             "");
    } else {
      Refuse(node, absl::StrCat("variable ", name, " is not set"),
             absl::StrCat("set it, or write ${", name, ":-default}"));
    }
    return std::nullopt;
  }

  // Whether what stands in the text here may be a secret itself.
  bool IsSecret() const {
    const KeyNode* key = KeyTable::Get().Find(path_.ToString());
    return key != nullptr && key->spec != nullptr && key->spec->type == ValueType::kSecret;
  }

  void Refuse(const YamlNode& node, std::string message, std::string hint) {
    findings_.Add({.code = codes::kVariable,
                   .span = node.span,
                   .field = path_.ToString(),
                   .message = std::move(message),
                   .hint = std::move(hint)});
  }

  const Sources& sources_;
  FindingList& findings_;
  FieldPath path_;
  size_t expanded_bytes_ = 0;
};

}  // namespace

void ExpandVariables(YamlNode& root, const Sources& sources, FindingList& findings) {
  Expander(sources, findings).Walk(root);
}

}  // namespace lb::controlplane
