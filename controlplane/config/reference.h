// What the keys mean, for people: `lbctl config explain` and docs/configuration.md, both made from
// the table of keys. Threading: safe.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace lb::controlplane {

// Explains the key at `path` ("rules[].listen", "rules.listen" or "rules[0].listen"; "" is the
// whole file) and lists its members: type, range, unit, default. Ends with a line break. NotFound
// names the path, and a near one where there is one.
absl::StatusOr<std::string> ExplainKey(std::string_view path);

// The reference of all keys and codes in Markdown: a section for each map.
std::string ConfigReference();

// Stands in docs/configuration.md before what ConfigReference() gives; all above it is written by
// hand.
inline constexpr std::string_view kReferenceMarker =
    "<!-- Generated from the table of keys from here on: bazel run "
    "//controlplane/config:write_reference -- \"$PWD/docs/configuration.md\" -->\n\n";

}  // namespace lb::controlplane
