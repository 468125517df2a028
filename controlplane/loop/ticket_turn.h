// Keys of session tickets, which all workers share, and where there is a cluster with a key of its
// own all hosts. Threading: none.
#pragma once

#include "controlplane/loop/ids.h"
#include "controlplane/loop/parts.h"

namespace lb::controlplane {

// Takes what another host says of its keys, and wipes it.
void OnTicketWord(HostChannel::Word& word, Parts& parts, Turn& turn);

// Makes new keys when it is time; tells workers, and other hosts, what there is. Once a turn.
void StepTickets(Parts& parts, Turn& turn);
Instant NextTicketDeadline(const Parts& parts);

// Sends the keys to a worker that has just said hello, if it takes them and there are any.
void SendTicketKeys(SessionId session, Parts& parts, Turn& turn);

}  // namespace lb::controlplane
