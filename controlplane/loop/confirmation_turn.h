// The configuration that waits to be confirmed, and what becomes of it. Threading: none.
#pragma once

#include <string>

#include "controlplane/loop/config_changes.h"
#include "controlplane/loop/parts.h"

namespace lb::controlplane {

// Notes what `change`, whose content has this digest, is to be confirmed by, if it is. It is stored
// before the file is written; see Confirmation.
void PrepareConfirmation(const ConfigChange& change, const std::string& digest, Parts& parts,
                         Turn& turn);

// Begins to roll back what was not confirmed in time, or makes too many connects fail.
void LookAtConfirmation(Parts& parts, Turn& turn);

// Takes what a worker counted, for the share of connects that fail.
void CountConnects(const WorkerKey& worker, const worker::v1::StatsReport& report, Parts& parts,
                   const Turn& turn);

// When LookAtConfirmation has something to do without an event.
Instant NextConfirmation(const Parts& parts);

}  // namespace lb::controlplane
