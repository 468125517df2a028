// Events about calls that change something: who asked for what, and what came of it. Threading:
// none.
#pragma once

#include "controlplane/admin/failure.h"
#include "controlplane/loop/event.h"
#include "controlplane/loop/parts.h"
#include "google/protobuf/message.h"

namespace lb::controlplane {

// Notes a call if it changes something: as an event at once when it was answered (`failure` is why
// it was refused; nullptr: it was not), or, when the answer comes in a later turn, once that is
// there. A change is a call that may carry a request id; one that only looks says validate_only.
void NoteChange(const AdminRequest& event, const google::protobuf::Message& call, bool answered,
                const Failure* failure, Parts& parts, Turn& turn);

// The events of calls whose answers are among the actions of this turn.
void NoteAnsweredChanges(Parts& parts, Turn& turn);

// The caller of one is gone, and with it the answer.
void NoteAbandonedChange(RequestId request, Parts& parts, Turn& turn);

}  // namespace lb::controlplane
