// What the fake admin API answers to changes, and what it was asked: configurations, backends,
// connections and log levels. Plain values.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lb/admin/v1/admin.pb.h"
#include "lb/admin/v1/backend.pb.h"
#include "lb/admin/v1/config.pb.h"
#include "lb/admin/v1/connection.pb.h"
#include "lb/admin/v1/log.pb.h"
#include "lb/admin/v1/member.pb.h"

namespace lb::fakes {

// Canned answers. A backend that is not among those of the server is NOT_FOUND.
struct ChangeAnswers {
  lb::admin::v1::ApplyConfigResponse applied;  // Of ApplyConfig and RollbackConfig.
  lb::admin::v1::PlanConfigResponse plan;
  std::vector<lb::admin::v1::Config> configs;    // The first one runs: "configs/-".
  std::vector<lb::admin::v1::Rollout> rollouts;  // GetRollout: the first; WatchRollout: all.
  bool rollout_goes_on = false;                  // WatchRollout does not end by itself.
  lb::admin::v1::Operation drained;              // Of DrainBackend; its name is set.
  lb::admin::v1::ListConnectionsResponse connections;
  lb::admin::v1::Operation killed;
  lb::admin::v1::GetLogLevelsResponse levels;
  lb::admin::v1::ListKeysResponse keys;
  lb::admin::v1::ChangeKeyResponse changed_key;
  lb::admin::v1::LeaveClusterResponse left;
};

// Every request so far, in order.
struct ChangeRequests {
  std::vector<lb::admin::v1::ApplyConfigRequest> applies;
  std::vector<lb::admin::v1::PlanConfigRequest> plans;
  std::vector<lb::admin::v1::ConfirmConfigRequest> confirms;
  std::vector<lb::admin::v1::RollbackConfigRequest> rollbacks;
  std::vector<lb::admin::v1::DrainBackendRequest> drains;
  std::vector<lb::admin::v1::UndrainBackendRequest> undrains;
  std::vector<lb::admin::v1::MaintainBackendRequest> maintains;
  std::vector<lb::admin::v1::SetBackendWeightRequest> weights;
  std::vector<lb::admin::v1::ResetBackendRequest> resets;
  std::vector<lb::admin::v1::ListConnectionsRequest> lists;
  std::vector<lb::admin::v1::KillConnectionsRequest> kills;
  std::vector<lb::admin::v1::SetLogLevelRequest> levels;
  std::vector<lb::admin::v1::JoinMembersRequest> joins;
  std::vector<lb::admin::v1::ForgetMemberRequest> forgets;
  std::vector<lb::admin::v1::ChangeKeyRequest> keys;
  std::vector<lb::admin::v1::LeaveClusterRequest> leaves;
};

}  // namespace lb::fakes
