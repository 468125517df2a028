// What workers say: sessions from hello to end. Threading: none.
#pragma once

#include "controlplane/loop/event.h"
#include "controlplane/loop/parts.h"

namespace lb::controlplane {

// Takes a message of a stream. One that breaks the protocol ends the stream with a status.
void OnWorkerMessage(const WorkerMessage& event, Parts& parts, Turn& turn);

void OnWorkerStreamEnded(const WorkerStreamEnded& event, Parts& parts, Turn& turn);

// Notes the workers that have said nothing for too long.
void FindSilentWorkers(Parts& parts, Turn& turn);

// When FindSilentWorkers has something to find; Instant::max() for never.
Instant NextSilence(const Parts& parts);

void OnProcessGone(const ProcessGone& event, Parts& parts, Turn& turn);

}  // namespace lb::controlplane
