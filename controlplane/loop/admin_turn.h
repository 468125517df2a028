// What operators ask: answers from state, and orders to workers. Threading: none.
#pragma once

#include "controlplane/admin/view.h"
#include "controlplane/loop/event.h"
#include "controlplane/loop/parts.h"

namespace lb::controlplane {

View ViewOf(const Parts& parts, const ClockReading& clock);

// Answers with exactly one Reply.
void OnAdminRequest(const AdminRequest& event, Parts& parts, Turn& turn);

}  // namespace lb::controlplane
