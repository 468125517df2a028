// Changes of the configuration on their way: one after the other, checked, written, taken.
// Threading: none.
#pragma once

#include <optional>
#include <string>

#include "controlplane/admin/failure.h"
#include "controlplane/loop/event.h"
#include "controlplane/loop/parts.h"

namespace lb::controlplane {

// Why a change must not be made: it was not made from what runs; another one waits to be confirmed.
std::optional<Failure> CheckBase(const std::string& etag, uint64_t if_revision, const Parts& parts);
std::optional<Failure> CheckConfirmation(const Parts& parts);
// Likewise: the file has an edit that was refused, and would be lost; there is no revision that a
// confirmation could return to.
std::optional<Failure> CheckFile(bool force, const Parts& parts);
std::optional<Failure> CheckReturn(const Parts& parts);

// A configuration was checked, or checked and written.
void OnConfigTried(const ConfigTried& event, Parts& parts, Turn& turn);

// Starts the next change when none is under way, and looks after the one that waits to be
// confirmed. Once a turn, before the state is stored.
void RunConfigChanges(Parts& parts, Turn& turn);
// Sends what may go out only after the state was handed to the disk.
void SendConfigChange(Parts& parts, Turn& turn);

// Nobody waits for the answer of this request any more; the change goes on.
void ForgetAsker(RequestId request, Parts& parts);

}  // namespace lb::controlplane
