// The part of kubectl's JSONPath that scripts use: "{.items[*].name}". Pure; threading: none.
//
// Text outside of braces is copied. Inside: .field, [N], [*], and a quoted "\n", "\t" or text.
// Source: https://kubernetes.io/docs/reference/kubectl/jsonpath/ without ranges and filters.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace lb::cli {

// Longest template, in bytes.
inline constexpr size_t kJsonPathBytesMax = 4096;

// Checks a template. InvalidArgument names what cannot be read.
absl::Status CheckJsonPath(std::string_view path);

// Returns what `path` selects in `value`: several values of one pair of braces are separated by a
// blank, fields that do not exist give nothing, objects are compact JSON. Safe on a terminal. Same
// errors as CheckJsonPath.
absl::StatusOr<std::string> EvaluateJsonPath(std::string_view path,
                                             const boost::json::value& value);

}  // namespace lb::cli
