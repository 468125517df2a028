// What happened in a turn, for those who watch. Threading: none.
#pragma once

#include "controlplane/loop/event.h"
#include "controlplane/loop/parts.h"
#include "lb/admin/v1/event.pb.h"

namespace lb::controlplane {

// What the wall clock shows at an instant, as answers tell it.
WallTime WallOf(Instant instant, const Parts& parts);

// Begins to watch; the events that come later are streamed.
Outcome<admin::v1::Event> OnWatchEvents(const admin::v1::WatchEventsRequest& call,
                                        const AdminRequest& event, Parts& parts, Turn& turn);
Outcome<admin::v1::ListEventsResponse> ListEvents(const admin::v1::ListEventsRequest& call,
                                                  const Parts& parts);

// Keeps what the turn emitted, and streams it. Once a turn, at its end.
void PublishEvents(Parts& parts, Turn& turn);

}  // namespace lb::controlplane
