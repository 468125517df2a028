// JSON and YAML text from one JSON value, safe to show on a terminal. Pure; threading: none.
#pragma once

#include <boost/json/value.hpp>
#include <string>

namespace lb::cli {

// One line without its end.
std::string ToCompactJson(const boost::json::value& value);

// Indented by two, with a line end.
std::string ToPrettyJson(const boost::json::value& value);

// YAML 1.2 in block style, with a line end. Strings that another reader could take for something
// else (numbers, "yes", "null") are quoted.
std::string ToYaml(const boost::json::value& value);

}  // namespace lb::cli
