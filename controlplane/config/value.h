// Checks one scalar against its key: type, unit, range, format. Pure; threading: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controlplane/config/key_spec.h"
#include "controlplane/config/yaml_node.h"

namespace lb::controlplane {

struct ValueError {
  std::string_view code;  // One of codes.h.
  std::string message;    // Without the field; a value that came out of ${...} is not in it.
  std::string hint;
};

// Returns what is wrong with `node`, a scalar, as a value of `spec`; nullopt when it is good, and
// then sets node.number (kBool: 0 or 1; numeric types: in the type's unit) and node.valid.
std::optional<ValueError> CheckValue(const KeySpec& spec, YamlNode& node);

// "a whole number": what a type is called in messages and documents.
std::string_view TypeName(ValueType type);

}  // namespace lb::controlplane
