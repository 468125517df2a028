// A configuration file as a tree: the YAML representation graph with aliases already replaced.
// Plain values; threading: none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/config/source_text.h"

namespace lb::controlplane {

struct YamlNode {
  enum class Kind : uint8_t { kScalar, kList, kMap };

  Kind kind = Kind::kScalar;
  bool plain = false;     // A scalar without quotes: YAML 1.2's core schema gives it a type.
  bool expanded = false;  // A scalar that came out of ${...}; its text may be a secret.
  bool unusable = false;  // It has a finding already; nothing more is to be said of it.
  bool valid = false;     // The checker found its value good.
  Span span;              // Of a scalar with its quotes; of the first byte of a list or map.
  Span key_span;          // Of its key, when it stands in a map.
  std::string key;
  std::string text;                // Of a scalar.
  std::vector<YamlNode> children;  // Of a list or map.
  uint64_t number = 0;             // The checker's reading of `text`, in the unit of the key.

  // A plain scalar that the core schema reads as null.
  bool IsNull() const;

  // The member of a map with this key, or nullptr.
  const YamlNode* Find(std::string_view name) const;

  // Where to point at for a finding about the whole value: a scalar itself, else its key.
  Span Place() const;
};

// Keys that begin so are left alone wherever they stand.
inline constexpr std::string_view kExtensionPrefix = "x-";
bool IsExtensionKey(std::string_view key);

}  // namespace lb::controlplane
