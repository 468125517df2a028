#include "controlplane/config/reference.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "controlplane/config/codes.h"
#include "controlplane/config/key_table.h"
#include "controlplane/config/quantity.h"
#include "controlplane/config/suggest.h"
#include "controlplane/config/value.h"

namespace lb::controlplane {
namespace {

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

bool IsNumeric(ValueType type) {
  return type == ValueType::kCount || type == ValueType::kRatio || !UnitExamples(type).empty();
}

// "weighted_round_robin (maglev: not built yet)"
std::string Choices(const KeySpec& spec) {
  std::vector<std::string> texts;
  for (const Choice& choice : spec.choices)
    texts.push_back(
        absl::StrCat(Absl(choice.name), choice.built == Built::kNotYet ? " (not built yet)" : ""));
  return absl::StrJoin(texts, ", ");
}

// "a duration, 1ms to 1h", "one of tcp, http"
std::string TypeText(const KeyNode& node) {
  const KeySpec& spec = *node.spec;
  if (spec.type == ValueType::kChoice) return absl::StrCat("one of ", Choices(spec));
  std::string text(TypeName(spec.type));
  if (!spec.shorthand.empty()) {
    const KeySpec& scalar = *node.Find(spec.shorthand)->spec;
    text = absl::StrCat(Absl(TypeName(scalar.type)), ", or a map");
  }
  if (IsNumeric(spec.type)) {
    absl::StrAppend(&text, ", ", WriteQuantity(spec.type, spec.min), " to ",
                    WriteQuantity(spec.type, spec.max));
  }
  if (spec.may_be_one) absl::StrAppend(&text, ", or its only item, a map");
  if (spec.type == ValueType::kList && spec.max != kNoMax)
    absl::StrAppend(&text, " of at most ", spec.max);
  if (spec.bare == BareNumber::kAccepted) absl::StrAppend(&text, "; a bare number too");
  return text;
}

std::string Status(const KeySpec& spec) {
  if (spec.built == Built::kNotYet) return "not built yet";
  return spec.required ? "required" : "";
}

void AppendMember(const KeyNode& member, std::string& out) {
  const KeySpec& spec = *member.spec;
  absl::StrAppend(&out, "  ", Absl(member.name), ": ", TypeText(member));
  if (!spec.default_value.empty()) absl::StrAppend(&out, "; default ", Absl(spec.default_value));
  if (const std::string status = Status(spec); !status.empty()) absl::StrAppend(&out, "; ", status);
  absl::StrAppend(&out, "\n      ", Absl(spec.description), "\n");
}

// The known name nearest to `word`, or the first that begins with it: "interval" of "interval_ms".
std::string_view NearestOrLonger(std::string_view word,
                                 const std::vector<std::string_view>& known) {
  constexpr size_t kPrefixBytesMin = 3;  // A shorter one begins too many names.
  const std::string_view nearest = Nearest(word, known);
  if (!nearest.empty() || word.size() < kPrefixBytesMin) return nearest;
  const auto longer = std::find_if(known.begin(), known.end(), [word](std::string_view name) {
    return name.substr(0, word.size()) == word;
  });
  return longer == known.end() ? "" : *longer;
}

// `path` with its first wrong segment replaced by the nearest key of that map; "" when none is
// near.
std::string MendSegment(std::string_view path) {
  const KeyTable& table = KeyTable::Get();
  size_t start = 0;
  size_t end = std::min(path.find('.'), path.size());
  while (table.Find(path.substr(0, end)) != nullptr) {
    if (end == path.size()) return "";
    start = end + 1;
    end = std::min(path.find('.', start), path.size());
  }
  const KeyNode* parent = table.Find(path.substr(0, start));
  if (parent == nullptr) return "";
  const KeyNode* map = parent->item != nullptr ? parent->item : parent;
  std::vector<std::string_view> names;
  for (const KeyNode* member : map->members) names.push_back(member->name);
  const std::string_view segment = path.substr(start, end - start);
  const std::string_view word = segment.substr(0, segment.find_first_of("[]"));
  const std::string_view nearest = NearestOrLonger(word, names);
  if (nearest.empty()) return "";
  const std::string mended = absl::StrCat(Absl(path.substr(0, start)), Absl(nearest));
  const std::string whole = absl::StrCat(mended, Absl(path.substr(start + word.size())));
  return table.Find(whole) != nullptr ? whole : mended;
}

// The first key that is called so, or nearly so, wherever it is: for "listen" alone.
std::string_view KeyAnywhere(std::string_view name) {
  const auto name_of = [](const KeySpec& spec) {
    return spec.path.substr(spec.path.rfind('.') + 1);
  };
  std::vector<std::string_view> names;
  for (const KeySpec& spec : KeyRows()) names.push_back(name_of(spec));
  const std::string_view nearest = NearestOrLonger(name, names);
  for (const KeySpec& spec : KeyRows()) {
    if (!nearest.empty() && name_of(spec) == nearest) return spec.path;
  }
  return "";
}

absl::Status NoSuchKey(std::string_view path) {
  std::string message = absl::StrCat("no key '", Absl(path), "'");
  std::string nearest = MendSegment(path);
  if (nearest.empty()) nearest = std::string(KeyAnywhere(path));
  if (!nearest.empty()) absl::StrAppend(&message, "; did you mean '", nearest, "'?");
  return absl::NotFoundError(message);
}

// In a table's cell a bar would end it.
std::string Cell(std::string_view text) { return absl::StrReplaceAll(Absl(text), {{"|", "\\|"}}); }

void AppendTable(std::string_view title, const KeyNode& map, std::string& out) {
  absl::StrAppend(&out, "### ", Absl(title), "\n\n", Absl(map.spec->description),
                  map.spec->built == Built::kNotYet ? " **Not built yet.**" : "", "\n\n");
  absl::StrAppend(&out, "| key | value | default | meaning |\n| --- | --- | --- | --- |\n");
  for (const KeyNode* member : map.members) {
    const KeySpec& spec = *member->spec;
    std::string meaning(spec.description);
    if (spec.required) meaning += " **Required.**";
    if (spec.built == Built::kNotYet) meaning += " **Not built yet.**";
    absl::StrAppend(&out, "| `", Absl(member->name), "` | ", Cell(TypeText(*member)), " | ",
                    Cell(spec.default_value), " | ", Cell(meaning), " |\n");
  }
  out += '\n';
}

// For a map that has the members of another one: where they are told of.
void AppendSameAs(const KeySpec& spec, std::string& out) {
  absl::StrAppend(&out, "### `", Absl(spec.path), "`\n\n", Absl(spec.description),
                  " Its keys are those of `", Absl(spec.same_as), "`.",
                  spec.built == Built::kNotYet ? " **Not built yet.**" : "", "\n\n");
}

// One table for each map below `node` that does not share its members with another one.
void AppendTables(const KeyNode& node, std::string& out) {
  for (const KeyNode* member : node.members) {
    if (member->shares_members) {
      AppendSameAs(*member->spec, out);
      continue;
    }
    const KeyNode* map = member->item != nullptr ? member->item : member;
    if (map->members.empty()) continue;
    AppendTable(absl::StrCat("`", Absl(map->spec->path), "`"), *map, out);
    AppendTables(*map, out);
  }
}

}  // namespace

absl::StatusOr<std::string> ExplainKey(std::string_view path) {
  const KeyNode* node = KeyTable::Get().Find(path);
  if (node == nullptr) return NoSuchKey(path);
  const KeySpec& spec = *node->spec;
  std::string out;
  if (node != &KeyTable::Get().root()) {
    absl::StrAppend(&out, "KEY      ", Absl(spec.path), "\nTYPE     ", TypeText(*node), "\n");
    if (const std::string_view examples = UnitExamples(spec.type); !examples.empty())
      absl::StrAppend(&out, "WRITTEN  ", Absl(examples), "\n");
    if (!spec.default_value.empty())
      absl::StrAppend(&out, "DEFAULT  ", Absl(spec.default_value), "\n");
    if (const std::string status = Status(spec); !status.empty())
      absl::StrAppend(&out, "STATUS   ", status, "\n");
    absl::StrAppend(&out, "\n", Absl(spec.description), "\n");
  }
  const KeyNode* map = node->item != nullptr ? node->item : node;
  if (map->members.empty()) return out;
  absl::StrAppend(&out, out.empty() ? "" : "\n", "KEYS\n");
  for (const KeyNode* member : map->members) AppendMember(*member, out);
  return out;
}

std::string ConfigReference() {
  std::string out = "## All keys\n\n";
  AppendTable("Top level", KeyTable::Get().root(), out);
  AppendTables(KeyTable::Get().root(), out);
  absl::StrAppend(&out, "## Codes of findings\n\n| code | meaning |\n| --- | --- |\n");
  for (const codes::Meaning& meaning : codes::kMeanings)
    absl::StrAppend(&out, "| ", Absl(meaning.code), " | ", Absl(meaning.text), " |\n");
  return out;
}

}  // namespace lb::controlplane
