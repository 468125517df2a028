// Changes asked for more than once with the same request id (RequestLedger). Threading: none.
#pragma once

#include "controlplane/loop/event.h"
#include "controlplane/loop/parts.h"
#include "google/protobuf/message.h"

namespace lb::controlplane {

// True when a request id says that the call was made before; the first answer is or will be its
// own.
bool IsRepeat(const AdminRequest& event, const google::protobuf::Message& call, Parts& parts,
              Turn& turn);

// Keeps the answers of this turn that may be asked for again, and gives them to those who did.
// Once a turn, after everything that answers changes.
void AnswerRepeats(Parts& parts, Turn& turn);

}  // namespace lb::controlplane
