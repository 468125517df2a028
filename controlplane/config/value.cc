#include "controlplane/config/value.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "controlplane/config/codes.h"
#include "controlplane/config/finding_list.h"
#include "controlplane/config/other_names.h"
#include "controlplane/config/quantity.h"
#include "controlplane/config/suggest.h"
#include "controlplane/config/text_value.h"

namespace lb::controlplane {
namespace {

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

// The value as messages may show it.
std::string Shown(const KeySpec& spec, const YamlNode& node) {
  if (spec.type == ValueType::kSecret) return "the value";
  return node.expanded ? std::string("the value of ${...}") : Quote(node.text);
}

bool IsTrue(std::string_view text) { return text == "true" || text == "True" || text == "TRUE"; }
bool IsFalse(std::string_view text) {
  return text == "false" || text == "False" || text == "FALSE";
}

// The core schema of YAML 1.2 (section 10.3.2), as far as it matters: what is not a string.
bool IsCoreNumber(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  if (text.empty()) return false;
  if (text == ".inf" || text == ".Inf" || text == ".INF" || text == ".nan") return true;
  const size_t end = text.find_first_not_of("0123456789");
  if (end == std::string_view::npos) return true;
  const bool hex_or_octal =
      end == 1 && text.front() == '0' && text.size() > 2 && (text[1] == 'x' || text[1] == 'o') &&
      text.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string_view::npos;
  if (hex_or_octal) return true;
  const size_t rest = text.find_first_not_of("0123456789.eE+-");
  const bool begins_like_one = end > 0 || (text.front() == '.' && text.size() > 1);
  return rest == std::string_view::npos && begins_like_one &&
         std::count(text.begin(), text.end(), '.') <= 1 &&
         text.find_first_of("+-") == std::string_view::npos;
}

ValueError WrongType(const KeySpec& spec, const YamlNode& node, std::string hint) {
  return {codes::kWrongType, absl::StrCat(Shown(spec, node), " is not ", Absl(TypeName(spec.type))),
          std::move(hint)};
}

std::optional<ValueError> CheckBool(const KeySpec& spec, YamlNode& node) {
  const bool is_bool = IsTrue(node.text) || IsFalse(node.text);
  if (is_bool && (node.plain || node.expanded)) {
    node.number = IsTrue(node.text) ? 1 : 0;
    return std::nullopt;
  }
  if (is_bool) return WrongType(spec, node, "remove the quotes");
  const std::string lower = absl::AsciiStrToLower(node.text);
  const bool yes = lower == "yes" || lower == "on" || lower == "y";
  const bool no = lower == "no" || lower == "off" || lower == "n";
  if (yes || no)
    return ValueError{codes::kYesNo,
                      absl::StrCat(Shown(spec, node), " is not a boolean in YAML 1.2"),
                      yes ? "write true" : "write false"};
  return WrongType(spec, node, "write true or false");
}

ValueError OutOfRange(const KeySpec& spec, const YamlNode& node) {
  return {codes::kOutOfRange,
          absl::StrCat(Shown(spec, node), " is not in ", WriteQuantity(spec.type, spec.min), " to ",
                       WriteQuantity(spec.type, spec.max)),
          ""};
}

// "1.5s": digits around a point, whatever follows.
bool IsFraction(std::string_view text) {
  const size_t point = text.find_first_not_of("0123456789");
  return point != 0 && point != std::string_view::npos && point + 1 < text.size() &&
         text[point] == '.' && absl::ascii_isdigit(static_cast<unsigned char>(text[point + 1]));
}

// How a number that lacks its unit, or has it wrong, is written: "125%" for 1.25.
std::string UnitHint(const KeySpec& spec, std::string_view text) {
  const std::string examples = absl::StrCat("write ", Absl(UnitExamples(spec.type)));
  if (spec.type == ValueType::kEventRate)
    return absl::StrCat(examples, "; rates are per second, and whole numbers");
  if (spec.type != ValueType::kPercent) return examples;
  constexpr uint64_t kThousandthsPerPercent = 10;
  const Quantity ratio = ReadQuantity(ValueType::kRatio, BareNumber::kAccepted, text);
  const bool whole = ratio.result == Quantity::Result::kGood && IsFraction(text) &&
                     ratio.number % kThousandthsPerPercent == 0;
  if (whole) return absl::StrCat("write ", ratio.number / kThousandthsPerPercent, "%");
  const bool bare = text.find_first_not_of("0123456789") == std::string_view::npos;
  return bare ? absl::StrCat("write ", Absl(text), "%") : examples;
}

std::optional<ValueError> CheckNumber(const KeySpec& spec, YamlNode& node) {
  const Quantity quantity = ReadQuantity(spec.type, spec.bare, node.text);
  const std::string_view examples = UnitExamples(spec.type);
  switch (quantity.result) {
    case Quantity::Result::kNegative:
    case Quantity::Result::kTooLarge:
      return OutOfRange(spec, node);
    case Quantity::Result::kNoUnit:
      return ValueError{codes::kUnit, absl::StrCat(Shown(spec, node), " has no unit"),
                        UnitHint(spec, node.text)};
    case Quantity::Result::kUnknownUnit:
      if (spec.type == ValueType::kPercent && IsFraction(node.text))
        return ValueError{codes::kUnit,
                          absl::StrCat(Shown(spec, node), " is not a whole percentage"),
                          UnitHint(spec, node.text)};
      if (IsFraction(node.text))
        return ValueError{codes::kUnit, absl::StrCat(Shown(spec, node), " is not a whole number"),
                          "write it in a smaller unit, as 1500ms for 1.5s"};
      return ValueError{codes::kUnit, absl::StrCat(Shown(spec, node), " has an unknown unit"),
                        UnitHint(spec, node.text)};
    case Quantity::Result::kNotANumber:
      return WrongType(spec, node, examples.empty() ? "" : absl::StrCat("write ", Absl(examples)));
    case Quantity::Result::kGood:
      break;
  }
  if (!node.plain && !node.expanded && !quantity.has_unit)
    return WrongType(spec, node, "remove the quotes");
  if (quantity.number < spec.min || quantity.number > spec.max) return OutOfRange(spec, node);
  node.number = quantity.number;
  return std::nullopt;
}

std::optional<ValueError> CheckChoice(const KeySpec& spec, const YamlNode& node) {
  std::vector<std::string_view> names;
  std::string list;
  for (const Choice& choice : spec.choices) {
    if (choice.name == node.text) {
      if (choice.built == Built::kYes) return std::nullopt;
      return ValueError{codes::kNotBuilt, absl::StrCat(Shown(spec, node), " is not built yet"),
                        absl::StrCat("write ", Absl(spec.choices.front().name))};
    }
    names.push_back(choice.name);
    if (choice.built == Built::kYes)
      absl::StrAppend(&list, list.empty() ? "" : ", ", Absl(choice.name));
  }
  std::string_view nearest = WordForOther(node.text, names);
  if (nearest.empty()) nearest = NearestOrAkin(node.text, names);
  return ValueError{codes::kUnknownChoice, absl::StrCat(Shown(spec, node), " is not one of ", list),
                    nearest.empty() ? "" : absl::StrCat("did you mean '", Absl(nearest), "'?")};
}

std::optional<ValueError> CheckString(const KeySpec& spec, const YamlNode& node) {
  const bool typed = node.plain && !node.expanded && spec.type != ValueType::kServicePort &&
                     (IsCoreNumber(node.text) || IsTrue(node.text) || IsFalse(node.text));
  if (typed && spec.type == ValueType::kListen)
    return WrongType(spec, node, "write 0.0.0.0:PORT, or [::]:PORT in quotes");
  if (typed && spec.type == ValueType::kLogFile && IsFalse(node.text)) return std::nullopt;
  if (typed && spec.type == ValueType::kLogFile)
    return WrongType(spec, node, "write an absolute path, stdout or stderr");
  if (typed && spec.type == ValueType::kSecret) return WrongType(spec, node, "write it in quotes");
  if (typed) return WrongType(spec, node, absl::StrCat("write \"", node.text, "\" in quotes"));
  std::optional<TextError> error = CheckText(spec, node.text);
  if (error.has_value())
    return ValueError{error->code, absl::StrCat(Shown(spec, node), error->why),
                      std::move(error->hint)};
  // A relative one would be another file for whoever checks it in another folder. And what a secret
  // holds must not be taken for the name of a file, which many messages show.
  if (spec.type == ValueType::kFile && !absl::StartsWith(node.text, "/"))
    return ValueError{codes::kBadFormat,
                      absl::StrCat(Shown(spec, node), " is not an absolute path"),
                      "name the file whole: /etc/lb/tls/www.key"};
  return std::nullopt;
}

std::optional<ValueError> CheckByType(const KeySpec& spec, YamlNode& node) {
  switch (spec.type) {
    case ValueType::kBool:
      return CheckBool(spec, node);
    case ValueType::kCount:
    case ValueType::kDuration:
    case ValueType::kSize:
    case ValueType::kEventRate:
    case ValueType::kByteRate:
    case ValueType::kPercent:
    case ValueType::kRatio:
      return CheckNumber(spec, node);
    case ValueType::kChoice:
      return CheckChoice(spec, node);
    default:
      return CheckString(spec, node);
  }
}

}  // namespace

std::optional<ValueError> CheckValue(const KeySpec& spec, YamlNode& node) {
  std::optional<ValueError> error = CheckByType(spec, node);
  node.valid = !error.has_value();
  return error;
}

std::string_view TypeName(ValueType type) {
  switch (type) {
    case ValueType::kMap:
    case ValueType::kSection:
      return "a map";
    case ValueType::kList:
      return "a list";
    case ValueType::kBool:
      return "true or false";
    case ValueType::kCount:
      return "a whole number";
    case ValueType::kDuration:
      return "a duration";
    case ValueType::kSize:
      return "a size";
    case ValueType::kEventRate:
      return "a rate";
    case ValueType::kByteRate:
      return "a rate of bytes";
    case ValueType::kPercent:
      return "a percentage";
    case ValueType::kRatio:
      return "a number";
    case ValueType::kChoice:
      return "one of a few words";
    case ValueType::kName:
    case ValueType::kBackendName:
      return "a name";
    case ValueType::kListen:
      return "an IP address and port";
    case ValueType::kAddress:
      return "an address";
    case ValueType::kServer:
    case ValueType::kIp:
      return "an IP address";
    case ValueType::kCidr:
      return "a network";
    case ValueType::kHostName:
      return "a host name";
    case ValueType::kSniName:
      return "a DNS name";
    case ValueType::kServiceName:
      return "a Service";
    case ValueType::kServicePort:
      return "a port";
    case ValueType::kApiServer:
      return "a URL";
    case ValueType::kUrlPath:
      return "a path";
    case ValueType::kFile:
      return "an absolute file name";
    case ValueType::kLogFile:
      return "a path, stdout, stderr or off";
    case ValueType::kText:
    case ValueType::kSecret:
      return "text";
  }
  return "";
}

}  // namespace lb::controlplane
