// The part of a rule's table that says when a backend is left out. Pure. Threading: the control
// thread.
#pragma once

#include <string>
#include <vector>

#include "dataplane/snapshot/build_tables.h"
#include "dataplane/snapshot/tables.h"

namespace lb::type::v1 {
class Rule;
}  // namespace lb::type::v1

namespace lb::dataplane {

// Returns what is wrong with the outlier detection of `rule`, whose problems begin with `path`.
std::vector<Problem> CheckOutlierDetection(const std::string& path, const lb::type::v1::Rule& rule);
// Makes the settings of a checked rule.
OutlierSettings MakeOutlierSettings(const lb::type::v1::Rule& rule);

}  // namespace lb::dataplane
