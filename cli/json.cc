#include "cli/json.h"

#include <boost/json.hpp>
#include <string_view>

#include "absl/strings/ascii.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

namespace json = boost::json;

std::string Scalar(const json::value& value) { return EscapeJsonText(json::serialize(value)); }

void AppendPretty(const json::value& value, const std::string& indent, std::string& out) {
  const std::string inner = indent + "  ";
  const char* separator = "\n";
  if (const json::array* array = value.if_array(); array != nullptr && !array->empty()) {
    out += '[';
    for (const json::value& item : *array) {
      out += separator + inner;
      AppendPretty(item, inner, out);
      separator = ",\n";
    }
    out += "\n" + indent + "]";
  } else if (const json::object* object = value.if_object();
             object != nullptr && !object->empty()) {
    out += '{';
    for (const auto& member : *object) {
      out += separator + inner + Scalar(json::value(member.key())) + ": ";
      AppendPretty(member.value(), inner, out);
      separator = ",\n";
    }
    out += "\n" + indent + "}";
  } else {
    out += Scalar(value);
  }
}

// Plain only what no YAML reader, 1.1 or 1.2, takes for a number, a boolean, null or syntax.
bool IsPlainYaml(std::string_view text) {
  if (text.empty() || !absl::ascii_isalpha(static_cast<unsigned char>(text[0]))) return false;
  for (const char c : text) {
    const bool safe = absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' ||
                      c == '/' || c == '.';
    if (!safe) return false;
  }
  const std::string lower = absl::AsciiStrToLower(absl::string_view(text.data(), text.size()));
  for (const char* word : {"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
    if (lower == word) return false;
  return true;
}

std::string YamlString(const json::string& text) {
  const std::string_view view(text.data(), text.size());
  return IsPlainYaml(view) ? std::string(view) : Scalar(json::value(text));
}

void AppendYaml(const json::value& value, const std::string& indent, std::string& out);

// A value after "key:" or in a list: scalars stay on the line, the rest goes below.
void AppendYamlMember(const json::value& value, const std::string& indent, std::string& out) {
  const json::array* array = value.if_array();
  const json::object* object = value.if_object();
  if (array != nullptr && !array->empty()) {
    out += '\n';
    AppendYaml(value, indent, out);
  } else if (object != nullptr && !object->empty()) {
    out += '\n';
    AppendYaml(value, indent + "  ", out);
  } else {
    out += ' ';
    AppendYaml(value, indent, out);
  }
}

void AppendYamlObject(const json::object& object, const std::string& indent, std::string& out) {
  for (const auto& member : object) {
    out += indent + YamlString(json::string(member.key())) + ":";
    AppendYamlMember(member.value(), indent, out);
  }
}

void AppendYaml(const json::value& value, const std::string& indent, std::string& out) {
  const json::array* array = value.if_array();
  const json::object* object = value.if_object();
  if (object != nullptr && !object->empty()) {
    AppendYamlObject(*object, indent, out);
  } else if (array != nullptr && !array->empty()) {
    for (const json::value& item : *array) {
      // "- " takes the place of the item's own indentation on its first line.
      std::string text;
      AppendYaml(item, indent + "  ", text);
      const bool block = text.compare(0, indent.size() + 2, indent + "  ") == 0;
      out += indent + "- " + (block ? text.substr(indent.size() + 2) : text);
    }
  } else if (const json::string* text = value.if_string(); text != nullptr) {
    out += YamlString(*text) + "\n";
  } else {
    out += Scalar(value) + "\n";
  }
}

}  // namespace

std::string ToCompactJson(const json::value& value) { return Scalar(value); }

std::string ToPrettyJson(const json::value& value) {
  std::string out;
  AppendPretty(value, "", out);
  return out + "\n";
}

std::string ToYaml(const json::value& value) {
  std::string out;
  AppendYaml(value, "", out);
  return out;
}

}  // namespace lb::cli
