// From a configuration that was read, and the addresses of its names, to what is in force.
// Threading: none.
#pragma once

#include "controlplane/loop/event.h"
#include "controlplane/loop/parts.h"

namespace lb::controlplane {

// Takes a configuration, or notes why there is none: what runs stays as it is then.
void OnConfigRead(const ConfigRead& event, Parts& parts, Turn& turn);

// Takes a good configuration, which becomes a revision when its content is new.
void TakeConfig(const ConfigRead& read, Origin origin, Parts& parts, Turn& turn);

void OnResolved(const Resolved& event, Parts& parts, Turn& turn);

// Puts the newest configuration with the newest addresses in force, if something changed and
// nothing is to be waited for.
void Refresh(Parts& parts, Turn& turn);

}  // namespace lb::controlplane
