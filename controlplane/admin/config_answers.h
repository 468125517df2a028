// Answers about configurations: revisions, findings, plans, and how far workers are. Pure;
// threading: none.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "controlplane/admin/failure.h"
#include "controlplane/admin/view.h"
#include "controlplane/config/finding.h"
#include "controlplane/plan/plan.h"
#include "controlplane/revision/confirmation.h"
#include "controlplane/revision/history.h"
#include "lb/admin/v1/config.pb.h"

namespace lb::controlplane {

inline constexpr char kConfigPrefix[] = "configs/";
std::string ConfigName(uint64_t revision);

// What was found out about a content: its findings, with the name of the file it is for.
struct FoundIn {
  const std::string& path;
  const Findings& list;
  size_t total = 0;
};

admin::v1::Config DescribeRevision(const Revision& revision, const History& history,
                                   const std::optional<Confirmation>& confirmation);

type::v1::Problem DescribeFinding(const std::string& path, const Finding& finding);
admin::v1::ValidateConfigResponse DescribeFindings(const FoundIn& findings, bool valid);

// The changes and the warnings; the caller adds the revision.
admin::v1::ApplyConfigResponse DescribePlan(Plan& plan, const FoundIn& findings);
admin::v1::PlanConfigResponse DescribePlanOnly(Plan& plan, const FoundIn& findings);

// A content with errors (or, with `strict`, warnings), with file, line and column of each.
Failure InvalidConfig(const FoundIn& findings);

Outcome<admin::v1::Config> GetConfig(const View& view, const admin::v1::GetConfigRequest& request);
Outcome<admin::v1::ListConfigsResponse> ListConfigs(const View& view,
                                                    const admin::v1::ListConfigsRequest& request);
admin::v1::Rollout DescribeRollout(const View& view);

}  // namespace lb::controlplane
