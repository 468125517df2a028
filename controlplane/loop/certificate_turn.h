// Files of TLS in force: what came with a configuration, what is wrong with newer ones, whose end
// is near; and the keys of session tickets, which all workers share. Threading: none.
#pragma once

#include "controlplane/loop/event.h"
#include "controlplane/loop/parts.h"

namespace lb::controlplane {

// Takes what a good configuration names, and notes which newer files are no good. Before the
// configuration is put in force.
void TakeMaterial(const ConfigRead& read, Parts& parts, Turn& turn);

// Notes what is wrong with newer files that a refused configuration names: what is in force stays.
void RefuseMaterial(const ConfigRead& read, Parts& parts, Turn& turn);

// Tells of certificates whose end is near, and makes new ticket keys when it is time. Once a turn.
void StepCertificates(Parts& parts, Turn& turn);
Instant NextCertificateDeadline(const Parts& parts);

// Sends the ticket keys to a worker that has just said hello, if it takes them.
void SendTicketKeys(SessionId session, Parts& parts, Turn& turn);

}  // namespace lb::controlplane
