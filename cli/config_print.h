// Plans, rollouts and revisions as text for people. Pure; threading: none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/globals.h"
#include "lb/admin/v1/config.pb.h"

namespace lb::cli {

// Each change with what it does to connections, then what happens in all. "no changes" for none.
std::string RenderPlan(const admin::v1::PlanConfigResponse& plan, bool color);

// The changes alone; of more than are listed the rest is counted.
std::string RenderChanges(const google::protobuf::RepeatedPtrField<admin::v1::Change>& changes,
                          uint32_t total, bool color);

// A line for each worker, with each refusal at its place in the file.
std::string RenderRollout(const admin::v1::Rollout& rollout, bool color);

// The table of `config list`.
std::string RenderConfigs(const Globals& globals, const std::vector<admin::v1::Config>& configs,
                          WallTime now);

// "rev 8 is in force; confirm within 60 s: lbctl confirm"
std::string DescribeApplied(const admin::v1::ApplyConfigResponse& applied, bool dry_run,
                            WallTime now);

}  // namespace lb::cli
