#include "controlplane/config/checker.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controlplane/config/codes.h"
#include "controlplane/config/field_path.h"
#include "controlplane/config/key_table.h"
#include "controlplane/config/other_names.h"
#include "controlplane/config/suggest.h"
#include "controlplane/config/value.h"

namespace lb::controlplane {
namespace {

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

class Checker final {
 public:
  Checker(const Sources& sources, FindingList& findings) : sources_(sources), findings_(findings) {}

  // What the parts around a value say about it.
  struct Context {
    bool off = false;       // In a section that is switched off: only its form is checked.
    bool reported = false;  // In a part that is not built, which has its finding.
  };

  void Check(YamlNode& node, const KeyNode& key, Context context) {
    const KeySpec& spec = *key.spec;
    if (spec.type == ValueType::kSection && node.kind == YamlNode::Kind::kMap && !SectionIsOn(node))
      context.off = true;
    if (spec.built == Built::kNotYet && !context.off && !context.reported) {
      ReportNotBuilt(node, key);
      context.reported = true;
    }
    const bool is_map = spec.type == ValueType::kMap || spec.type == ValueType::kSection;
    if (node.IsNull())
      Add(codes::kWrongType, node.Place(), absl::StrCat(Label(node, key), " has no value"));
    else if (is_map)
      CheckMap(node, key, context);
    else if (spec.type == ValueType::kList)
      CheckList(node, key, context);
    else
      CheckScalar(node, spec, context);
  }

 private:
  void CheckMap(YamlNode& node, const KeyNode& key, Context context) {
    if (node.kind == YamlNode::Kind::kScalar && !key.spec->shorthand.empty())
      return CheckScalar(node, *key.Find(key.spec->shorthand)->spec, context);
    if (node.kind != YamlNode::Kind::kMap) return WrongKind(node, key);
    for (YamlNode& child : node.children) {
      if (IsExtensionKey(child.key)) continue;
      const FieldPath::Scope scope(path_, node.kind, child.key, 0);
      const KeyNode* member = key.Find(child.key);
      if (member == nullptr)
        ReportUnknownKey(child, key);
      else
        Check(child, *member, context);
    }
    if (!context.off) ReportMissingKeys(node, key);
  }

  void CheckList(YamlNode& node, const KeyNode& key, Context context) {
    if (node.kind == YamlNode::Kind::kMap && key.spec->may_be_one) MakeList(node);
    if (node.kind != YamlNode::Kind::kList) return WrongKind(node, key);
    if (node.children.size() > key.spec->max)
      Add(codes::kOutOfRange, node.Place(),
          absl::StrCat(Label(node, key), " has ", node.children.size(), " items; at most ",
                       key.spec->max));
    for (size_t i = 0; i < node.children.size(); ++i) {
      const FieldPath::Scope scope(path_, node.kind, "", i);
      Check(node.children[i], *key.item, context);
    }
  }

  // Puts a map into a list of its own, in the map's place.
  static void MakeList(YamlNode& node) {
    YamlNode item = std::exchange(node, {});
    node.kind = YamlNode::Kind::kList;
    node.span = item.span;
    node.key_span = std::exchange(item.key_span, {});
    node.key = std::exchange(item.key, {});
    node.children.push_back(std::move(item));
  }

  void CheckScalar(YamlNode& node, const KeySpec& spec, Context context) {
    if (node.kind != YamlNode::Kind::kScalar) {
      return Add(codes::kWrongType, node.Place(),
                 absl::StrCat(KindName(node), " stands where ", Absl(TypeName(spec.type)),
                              " is expected"));
    }
    if (node.unusable) return;
    std::optional<ValueError> error = CheckValue(spec, node);
    if (error.has_value()) {
      const bool said = error->code == codes::kNotBuilt && (context.off || context.reported);
      if (!said) Add(error->code, node.span, std::move(error->message), std::move(error->hint));
      return;
    }
    if (spec.type == ValueType::kFile && !context.off && !IsLoaded(spec)) CheckFile(node);
    if (spec.type == ValueType::kLogFile) CheckLogFolder(node);
  }

  // Workers make the file, not its folder.
  void CheckLogFolder(const YamlNode& node) {
    if (node.text.empty() || node.text.front() != '/' || !sources_.has_folder) return;
    const std::string folder = node.text.substr(0, std::max<size_t>(node.text.rfind('/'), 1));
    if (sources_.has_folder(folder)) return;
    findings_.Add({.severity = Finding::Severity::kWarning,
                   .code = codes::kNoLogFolder,
                   .span = node.span,
                   .field = path_.ToString(),
                   .message = absl::StrCat("there is no folder ", Quote(folder),
                                           " on this host: every line will be dropped"),
                   .hint = "make it, so that workers may write there"});
  }

  // Whether what is in the file is looked at later.
  bool IsLoaded(const KeySpec& spec) const {
    if (spec.path == "cluster.key_file") return true;
    return sources_.load_material && spec.path.find("tls.") != std::string_view::npos;
  }

  void CheckFile(const YamlNode& node) {
    const absl::Status status = sources_.read_file(node.text).status();
    if (status.ok()) return;
    const std::string name = node.expanded ? "the file that ${...} names" : Quote(node.text);
    Add(codes::kFile, node.span, absl::StrCat("cannot read ", name, ": ", status.message()));
  }

  void WrongKind(const YamlNode& node, const KeyNode& key) {
    std::string hint;
    if (key.spec->type == ValueType::kList) hint = "write its items as '- ITEM' lines";
    Add(codes::kWrongType, node.Place(),
        absl::StrCat(Label(node, key), " must be ", Absl(TypeName(key.spec->type)), ", not ",
                     KindName(node)),
        std::move(hint));
  }

  void ReportNotBuilt(const YamlNode& node, const KeyNode& key) {
    const bool is_section = key.spec->type == ValueType::kSection;
    const Span span = node.key_span.end > node.key_span.begin ? node.key_span : node.span;
    Add(codes::kNotBuilt, span, absl::StrCat(Label(node, key), " is not built yet"),
        is_section ? "set enabled: false" : "remove it");
  }

  void ReportUnknownKey(const YamlNode& child, const KeyNode& parent) {
    std::vector<std::string_view> known;
    for (const KeyNode* member : parent.members) known.push_back(member->name);
    std::string_view nearest = KeyForOther(child.key, known);
    if (nearest.empty()) nearest = NearestOrAkin(child.key, known);
    std::string hint;
    if (child.key == "<<")
      hint = "YAML 1.2 has no merge keys; write the keys out";
    else if (!nearest.empty())
      hint = absl::StrCat("did you mean '", Absl(nearest), "'?");
    else
      hint = PlaceOfKey(child.key);
    if (hint.empty()) hint = PlaceOfOtherKey(child.key);
    Add(codes::kUnknownKey, child.key_span, absl::StrCat("unknown key ", Quote(child.key)),
        std::move(hint));
  }

  // Says where a key that is known elsewhere belongs, the outermost places first.
  static std::string PlaceOfKey(std::string_view name) {
    constexpr size_t kMaxPlaces = 3;  // "enabled" has many.
    std::vector<std::string_view> places;
    for (const KeySpec& spec : KeyRows()) {
      const size_t dot = spec.path.rfind('.');
      const size_t begin = dot == std::string_view::npos ? 0 : dot + 1;
      if (spec.path.substr(begin) != name) continue;
      if (begin == 0) return "it stands at the top level";
      places.push_back(spec.path.substr(0, dot));
    }
    if (places.empty()) return "";
    const auto depth = [](std::string_view path) {
      return std::count(path.begin(), path.end(), '.');
    };
    std::stable_sort(places.begin(), places.end(),
                     [&](std::string_view a, std::string_view b) { return depth(a) < depth(b); });
    if (places.size() > kMaxPlaces) places.resize(kMaxPlaces);
    return absl::StrCat("it stands in ",
                        absl::StrJoin(places, " or ", [](std::string* out, auto place) {
                          absl::StrAppend(out, Absl(place));
                        }));
  }

  void ReportMissingKeys(const YamlNode& node, const KeyNode& key) {
    for (const KeyNode* member : key.members) {
      if (!member->spec->required || node.Find(member->name) != nullptr) continue;
      const FieldPath::Scope scope(path_, node.kind, member->name, 0);
      Add(codes::kMissingKey, node.Place(),
          absl::StrCat("key '", Absl(member->name), "' is missing"));
    }
  }

  // What to call a value in a message: its key, or what it is in its list.
  static std::string Label(const YamlNode& node, const KeyNode& key) {
    if (!node.key.empty()) return Quote(node.key);
    return key.name.empty() ? "the file" : "the item";
  }

  static std::string KindName(const YamlNode& node) {
    if (node.kind == YamlNode::Kind::kMap) return "a map";
    if (node.kind == YamlNode::Kind::kList) return "a list";
    return node.expanded ? "text" : Quote(node.text);
  }

  void Add(std::string_view code, Span span, std::string message, std::string hint = "") {
    findings_.Add({.code = code,
                   .span = span,
                   .field = path_.ToString(),
                   .message = std::move(message),
                   .hint = std::move(hint)});
  }

  const Sources& sources_;
  FindingList& findings_;
  FieldPath path_;
};

}  // namespace

void CheckKeys(YamlNode& root, const Sources& sources, FindingList& findings) {
  Checker(sources, findings).Check(root, KeyTable::Get().root(), {});
}

bool SectionIsOn(const YamlNode& section) {
  const YamlNode* enabled = section.Find("enabled");
  if (enabled == nullptr) return true;
  // A "no" has its own finding; saying more about a section meant to be off would not help.
  for (const std::string_view off : {"false", "False", "FALSE", "no", "off"}) {
    if (enabled->text == off) return false;
  }
  return true;
}

}  // namespace lb::controlplane
