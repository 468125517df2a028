// Limits that hosts share: what a turn has to do with the other hosts' word. Threading: none.
#pragma once

#include "controlplane/loop/parts.h"

namespace lb::controlplane {

// This member as the configuration and the sockets say it now.
void SetUsageSelf(Parts& parts, Turn& turn);
// Who shares limits now.
void SetUsageHosts(Parts& parts);
void NoteForUsage(const swim::MemberNotice& notice, Parts& parts, Turn& turn);

// Takes a datagram of another host.
void OnHostWord(const std::string& datagram, Parts& parts, Turn& turn);

// Tells the others what is due. After the ledgers were settled: what they found is news.
void StepUsage(Parts& parts, Turn& turn);

}  // namespace lb::controlplane
