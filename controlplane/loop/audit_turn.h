// What changes were about before and after, for the audit trail: read from the state itself, not
// from what callers say of it. Threading: none.
#pragma once

#include "controlplane/loop/event.h"
#include "controlplane/loop/parts.h"

namespace lb::controlplane {

// A change begins: notes what it is about as it is now. Nothing for other calls.
void NoteChangeBegins(const AdminRequest& event, Parts& parts);

// Before each event: changes of the configuration wait for each other, so that what one finds is
// what the one before left.
void LookBeforeTurn(Parts& parts);

// Adds before and after to the replies of this turn. Once a turn, after everything that answers
// changes.
void DescribeChanges(Parts& parts, Turn& turn);

}  // namespace lb::controlplane
