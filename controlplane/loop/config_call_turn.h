// What the API asks about configurations: check, plan, apply, confirm, roll back. Threading: none.
#pragma once

#include <optional>
#include <string>

#include "controlplane/admin/failure.h"
#include "controlplane/loop/event.h"
#include "controlplane/loop/parts.h"
#include "lb/admin/v1/config.pb.h"

namespace lb::controlplane {

// Questions and orders; what needs the file is answered later.
Outcome<admin::v1::ApplyConfigResponse> OnApply(const admin::v1::ApplyConfigRequest& call,
                                                const AdminRequest& event, Parts& parts,
                                                Turn& turn);
Outcome<admin::v1::ApplyConfigResponse> OnRollback(const admin::v1::RollbackConfigRequest& call,
                                                   const AdminRequest& event, Parts& parts,
                                                   Turn& turn);
Outcome<admin::v1::Config> OnConfirm(const admin::v1::ConfirmConfigRequest& call, RequestId request,
                                     Parts& parts, Turn& turn);
// Has a configuration checked, for an answer that is made when it was.
std::optional<Failure> Ask(ConfigQuestion question, const std::string& content, Parts& parts,
                           Turn& turn);

}  // namespace lb::controlplane
