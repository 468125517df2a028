#include "controlplane/config/secrets.h"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
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

// Whether the name that ends before `end` stands alone, and not in a longer one.
bool IsWord(std::string_view text, size_t begin, size_t end) {
  const auto is_part = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  };
  return (begin == 0 || !is_part(text[begin - 1])) && (end == text.size() || !is_part(text[end]));
}

// Where the first key of a secret ends in text that is no YAML.
size_t EndOfSecretName(std::string_view text) {
  size_t first = text.size();
  for (const KeySpec& row : KeyRows()) {
    if (row.type != ValueType::kSecret) continue;
    const std::string_view name = row.path.substr(row.path.rfind('.') + 1);
    for (size_t at = text.find(name); at < first; at = text.find(name, at + 1))
      if (IsWord(text, at, at + name.size())) first = at + name.size();
  }
  return first;
}

// Appends `hidden` with every character as one '*'; ends of lines stay.
void AppendMasked(std::string_view hidden, std::string& out) {
  for (const char c : hidden) {
    if (c == '\n' || c == '\r')
      out += c;
    else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80)  // Not the rest of a character.
      out += '*';
  }
}

// Begins and ends of the secrets in good YAML and of what repeats them, in order.
std::map<size_t, size_t> PlacesOf(const std::vector<const YamlNode*>& secrets,
                                  std::string_view text) {
  std::map<size_t, size_t> places;
  for (const YamlNode* node : secrets) {
    places[node->span.begin] = std::max<size_t>(places[node->span.begin], node->span.end);
    if (node->text.size() < kMinRepeatedBytes) continue;
    for (size_t at = text.find(node->text); at < text.size(); at = text.find(node->text, at + 1))
      places[at] = std::max(places[at], at + node->text.size());
  }
  return places;
}

}  // namespace

std::string MaskSecrets(std::string_view text) {
  const SourceText source(text);
  FindingList findings;
  std::optional<YamlNode> root;
  if (!FindNotText(text)) root = ReadYaml(source, findings);
  std::string masked;
  size_t done = 0;
  for (const auto& [begin, end] : PlacesOf(SecretsOf(root), text)) {
    if (end <= done) continue;
    const size_t from = std::max(begin, done);
    absl::StrAppend(&masked, Absl(text.substr(done, from - done)));
    AppendMasked(text.substr(from, end - from), masked);
    done = end;
  }
  const bool good = root && !findings.has_error();
  const size_t rest = good ? text.size() : std::max(done, EndOfSecretName(text));
  absl::StrAppend(&masked, Absl(text.substr(done, rest - done)));
  AppendMasked(text.substr(rest), masked);
  return masked;
}

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
