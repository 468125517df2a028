// What operators ask: answers from state, and orders to workers. Threading: none.
#pragma once

#include "controlplane/admin/view.h"
#include "controlplane/loop/event.h"
#include "controlplane/loop/parts.h"

namespace lb::controlplane {

View ViewOf(const Parts& parts, const ClockReading& clock);

// Answers now, or notes what is to be answered later.
void OnAdminRequest(const AdminRequest& event, Parts& parts, Turn& turn);

// Forgets what was to be answered later.
void OnAdminCallEnded(const AdminCallEnded& event, Parts& parts, Turn& turn);

// End a call, in whatever turn. The only ways that a Reply is made.
void Answer(RequestId request, AdminAnswer answer, Turn& turn);
void Fail(RequestId request, Failure failure, Turn& turn);

}  // namespace lb::controlplane
