// Changes of the configuration by the API: apply, confirm, roll back, by order or by itself.
// Threading: none.
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
                                                   const AdminRequest& event, Parts& parts);
Outcome<admin::v1::Config> OnConfirm(const admin::v1::ConfirmConfigRequest& call, RequestId request,
                                     Parts& parts, Turn& turn);
// Has a configuration checked, for an answer that is made when it was.
std::optional<Failure> Ask(ConfigQuestion question, const std::string& content, Parts& parts,
                           Turn& turn);

// A configuration was checked, or checked and written.
void OnConfigTried(const ConfigTried& event, Parts& parts, Turn& turn);

// Starts the next change when none is under way, and looks after the one that waits to be
// confirmed. Once a turn, before the state is stored.
void RunConfigChanges(Parts& parts, Turn& turn);
// Sends what may go out only after the state was handed to the disk.
void SendConfigChange(Parts& parts, Turn& turn);

// When RunConfigChanges has something to do without an event.
Instant NextConfigChange(const Parts& parts);

// Nobody waits for the answer of this request any more; the change goes on.
void ForgetAsker(RequestId request, Parts& parts);

}  // namespace lb::controlplane
