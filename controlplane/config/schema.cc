#include "controlplane/config/schema.h"

#include <boost/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "controlplane/config/key_table.h"
#include "controlplane/config/quantity.h"
#include "controlplane/config/value.h"

namespace lb::controlplane {
namespace {

namespace json = boost::json;

json::string_view Json(std::string_view text) { return {text.data(), text.size()}; }

// A text with a variable in it, whose value only the loader sees.
json::object Variable() { return {{"type", "string"}, {"pattern", "\\$\\{"}}; }

json::object Either(json::object a, json::object b) {
  return {{"anyOf", json::array{std::move(a), std::move(b)}}};
}

// The pattern of a number with a unit. Ranges of such texts are left to the loader.
std::string UnitPattern(ValueType type) {
  switch (type) {
    case ValueType::kDuration:
      return "^[0-9]+(ms|s|m|h)$";
    case ValueType::kSize:
      return "^[0-9]+([kKMG]?B|[KMG]iB)$";
    case ValueType::kEventRate:
      return "^[0-9]+/s$";
    case ValueType::kByteRate:
      return "^[0-9]+([kKMG]?B|[KMG]iB|[kKMG]?bit)/s$";
    case ValueType::kPercent:
      return "^[0-9]+%$";
    default:
      return "";
  }
}

json::object NumberSchema(const KeySpec& spec) {
  json::object number{{"type", "integer"}, {"minimum", spec.min}, {"maximum", spec.max}};
  if (spec.type == ValueType::kCount) return number;
  if (spec.type == ValueType::kRatio) {
    return {{"type", "number"},
            {"minimum", static_cast<double>(spec.min) / 1'000},
            {"maximum", static_cast<double>(spec.max) / 1'000}};
  }
  json::object with_unit{{"type", "string"}, {"pattern", UnitPattern(spec.type)}};
  if (spec.bare == BareNumber::kRefused) return with_unit;
  return Either(std::move(number), std::move(with_unit));
}

json::object TextSchema(const KeySpec& spec) {
  json::object text{{"type", "string"}, {"minLength", 1}};
  if (spec.type == ValueType::kName) {
    text["pattern"] = "^[A-Za-z0-9._-]+$";
    text["maxLength"] = spec.max;
  }
  if (spec.type == ValueType::kUrlPath) text["pattern"] = "^/";
  if (spec.type == ValueType::kListen) text["pattern"] = ":[0-9]+$";
  return text;
}

json::object ChoiceSchema(const KeySpec& spec) {
  json::array names;
  for (const Choice& choice : spec.choices) {
    names.emplace_back(Json(choice.name));
    // Versions such as 1.2 are numbers to YAML when they stand without quotes.
    double number = 0;
    if (absl::SimpleAtod(absl::string_view(choice.name.data(), choice.name.size()), &number))
      names.emplace_back(number);
  }
  return {{"enum", std::move(names)}};
}

json::object ScalarSchema(const KeySpec& spec) {
  switch (spec.type) {
    case ValueType::kBool:
      return Either({{"type", "boolean"}}, Variable());
    case ValueType::kCount:
    case ValueType::kDuration:
    case ValueType::kSize:
    case ValueType::kEventRate:
    case ValueType::kByteRate:
    case ValueType::kPercent:
    case ValueType::kRatio:
      return Either(NumberSchema(spec), Variable());
    case ValueType::kChoice:
      return Either(ChoiceSchema(spec), Variable());
    case ValueType::kServicePort:
      return Either({{"type", "integer"}, {"minimum", 1}, {"maximum", UINT16_MAX}},
                    TextSchema(spec));
    case ValueType::kLogFile:
      return Either(TextSchema(spec), {{"const", false}});
    default:
      return Either(TextSchema(spec), Variable());
  }
}

std::string Description(const KeySpec& spec) {
  std::string text(spec.description);
  if (spec.built == Built::kNotYet) text += " Not built yet.";
  if (!spec.default_value.empty())
    text += absl::StrCat(" Default: ", std::string(spec.default_value), ".");
  return text;
}

json::object NodeSchema(const KeyNode& node);

json::object MapSchema(const KeyNode& node) {
  json::object properties;
  json::array required;
  for (const KeyNode* member : node.members) {
    properties[Json(member->name)] = NodeSchema(*member);
    if (member->spec->required) required.emplace_back(Json(member->name));
  }
  json::object map{{"type", "object"},
                   {"properties", std::move(properties)},
                   {"patternProperties", {{"^x-", true}}},
                   {"additionalProperties", false}};
  if (!required.empty()) map["required"] = std::move(required);
  if (node.spec->shorthand.empty()) return map;
  return Either(ScalarSchema(*node.Find(node.spec->shorthand)->spec), std::move(map));
}

// The name of a shared part in "$defs".
std::string DefinitionName(std::string_view path) {
  std::string name;
  for (const char c : path) {
    if (c != '[' && c != ']') name += c == '.' ? '_' : c;
  }
  return name;
}

json::object NodeSchema(const KeyNode& node) {
  const KeySpec& spec = *node.spec;
  json::object schema;
  if (node.shares_members) {
    schema["$ref"] = absl::StrCat("#/$defs/", DefinitionName(spec.same_as));
  } else if (spec.type == ValueType::kMap || spec.type == ValueType::kSection) {
    schema = MapSchema(node);
  } else if (spec.type == ValueType::kList) {
    schema = {{"type", "array"}, {"items", NodeSchema(*node.item)}};
    if (spec.max != kNoMax) schema["maxItems"] = spec.max;
    if (spec.may_be_one) schema = Either(std::move(schema), MapSchema(*node.item));
  } else {
    schema = ScalarSchema(spec);
  }
  if (!spec.description.empty()) schema["description"] = Description(spec);
  return schema;
}

}  // namespace

std::string ConfigSchema() {
  json::object schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                      {"title", "lb.yaml"},
                      {"description", "Configuration of the lb load balancer."}};
  json::object definitions;
  for (const KeySpec& spec : KeyRows()) {
    if (spec.same_as.empty()) continue;
    definitions[DefinitionName(spec.same_as)] = NodeSchema(*KeyTable::Get().Find(spec.same_as));
  }
  for (auto& [key, value] : NodeSchema(KeyTable::Get().root())) schema[key] = value;
  schema["$defs"] = std::move(definitions);
  return json::serialize(schema);
}

}  // namespace lb::controlplane
