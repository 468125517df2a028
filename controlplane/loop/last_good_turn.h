// What a worker runs that starts while the newest revision cannot be run: what workers ran before.
//
// Within one life of the control plane the bytes are still there (Versions). After a restart they
// are made again from the newest kept revision that a worker is known to have run. Threading: none.
#pragma once

#include "controlplane/loop/event.h"
#include "controlplane/loop/parts.h"

namespace lb::controlplane {

// A worker says that it runs this version.
void NoteRan(const type::v1::ConfigVersion& version, Parts& parts, Turn& turn);

// Has the revision that ran last loaded, once, when a worker needs it and its bytes are not there.
// Before snapshots are offered.
void AskForLastGood(Parts& parts, Turn& turn);

// Takes what AskForLastGood asked for.
void TakeLastGood(const ConfigRead& read, Parts& parts);

}  // namespace lb::controlplane
