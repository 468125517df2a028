// What watches of Services find, on its way to the backends of the rules. Threading: none.
#pragma once

#include "controlplane/loop/event.h"
#include "controlplane/loop/parts.h"

namespace lb::controlplane {

void OnServiceFound(const ServiceFound& event, Parts& parts, Turn& turn);
void OnServiceLost(const ServiceLost& event, Parts& parts, Turn& turn);

}  // namespace lb::controlplane
