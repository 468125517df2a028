#include "controlplane/config/secrets.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "controlplane/config/finding_list.h"
#include "controlplane/config/key_table.h"
#include "controlplane/config/source_text.h"
#include "controlplane/config/yaml_reader.h"

namespace lb::controlplane {
namespace {

// A shorter one would match in places that have nothing to do with it.
constexpr size_t kMinRepeatedBytes = 8;

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

// The scalars of `node` whose key is a secret's. `path` is that of the table.
void Collect(const YamlNode& node, const std::string& path, std::vector<const YamlNode*>& out) {
  if (node.kind == YamlNode::Kind::kScalar) {
    const KeyNode* key = KeyTable::Get().Find(path);
    if (key != nullptr && key->spec != nullptr && key->spec->type == ValueType::kSecret)
      out.push_back(&node);
    return;
  }
  for (const YamlNode& child : node.children) {
    const std::string below = node.kind == YamlNode::Kind::kList ? absl::StrCat(path, "[]")
                              : path.empty()                     ? child.key
                                             : absl::StrCat(path, ".", child.key);
    Collect(child, below, out);
  }
}

// A value that is a reference to something outside the text, and nothing else: a default or a text
// beside it may be the secret itself.
bool IsReference(const YamlNode& node) {
  const std::string_view text = node.text;
  if (text.size() < 4 || text.substr(0, 2) != "${" || text.find('}') != text.size() - 1)
    return false;
  const std::string_view inside = text.substr(2, text.size() - 3);
  if (inside.substr(0, 5) == "file:") return true;
  return std::all_of(inside.begin(), inside.end(), [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
}

std::vector<const YamlNode*> SecretsOf(const std::optional<YamlNode>& root) {
  std::vector<const YamlNode*> found;
  if (root) Collect(*root, "", found);
  found.erase(std::remove_if(found.begin(), found.end(),
                             [](const YamlNode* node) { return IsReference(*node); }),
              found.end());
  return found;
}

}  // namespace

std::string HideSecrets(std::string_view text) {
  if (FindNotText(text)) return "# not text\n";
  const SourceText source(text);
  FindingList findings;
  const std::optional<YamlNode> root = ReadYaml(source, findings);
  if (!root) return "# not YAML\n";
  std::vector<const YamlNode*> secrets = SecretsOf(root);
  // From the end, so that the offsets before stay right.
  std::sort(secrets.begin(), secrets.end(),
            [](const YamlNode* a, const YamlNode* b) { return a->span.begin > b->span.begin; });
  std::string shown(text);
  uint32_t last = UINT32_MAX;  // An alias has the place of another one.
  for (const YamlNode* node : secrets) {
    if (node->span.begin == last) continue;
    last = node->span.begin;
    shown.replace(last, node->span.end - last, kHiddenSecret);
  }
  // It may stand elsewhere too: behind an anchor, in a comment.
  for (const YamlNode* node : secrets)
    if (node->text.size() >= kMinRepeatedBytes)
      absl::StrReplaceAll({{node->text, Absl(kHiddenSecret)}}, &shown);
  return shown;
}

bool HasHiddenSecret(std::string_view text) {
  if (text.find(kHiddenSecret) == std::string_view::npos || FindNotText(text)) return false;
  const SourceText source(text);
  FindingList findings;
  const std::optional<YamlNode> root = ReadYaml(source, findings);
  const std::vector<const YamlNode*> secrets = SecretsOf(root);
  return std::any_of(secrets.begin(), secrets.end(),
                     [](const YamlNode* node) { return node->text == kHiddenSecret; });
}

}  // namespace lb::controlplane
