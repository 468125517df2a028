// The settings of the cluster as names and texts, never its keys. Used by plan.cc only. Pure;
// threading: none.
#pragma once

#include <vector>

#include "controlplane/config/cluster_config.h"
#include "controlplane/plan/fields.h"

namespace lb::controlplane {

// What it does to have the section, or to have it no more.
inline constexpr char kJoins[] = "this host joins the cluster; no connection is touched";
inline constexpr char kLeaves[] = "this host leaves the cluster; no connection is touched";

// Always the same fields in the same order. `other_keys`: its keys are not those it is compared
// with.
std::vector<Field> FieldsOf(const ClusterConfig& cluster, bool other_keys);

}  // namespace lb::controlplane
