// How long a suspected member has to refute, and how often an update is sent on. Pure; threading:
// none.
//
// Source: Dadgar, Phillips, Currey, "Lifeguard: Local Health Awareness for More Accurate Failure
// Detection", 2018, section IV-B; the scales are memberlist's.
#pragma once

#include <cstddef>
#include <set>
#include <string>

#include "base/time.h"
#include "controlplane/membership/options.h"

namespace lb::controlplane::swim {

// The least time to refute among `members`: suspicion_mult times log10 of them, in intervals.
Duration MinSuspicion(const Timing& timing, size_t members);

// In how many packets an update is sent among `members`.
size_t RetransmitLimit(size_t mult, size_t members);

// How much less often tables are exchanged among more than 32 members.
Duration PushPullInterval(Duration interval, size_t members);

// Of one member: more of its peers that suspect it leave it less time.
class Suspicion final {
 public:
  // Began `now`, said by `from`, whose word counts once.
  Suspicion(const Timing& timing, size_t members, std::string from, Instant now);

  // True when `from` is new and still counts; the deadline may then come nearer.
  bool Confirm(const std::string& from);

  Instant deadline() const;

 private:
  Instant began_at_;
  Duration min_;
  Duration max_;
  size_t needed_;  // Confirmations that make the time as short as can be.
  std::set<std::string> from_;
};

}  // namespace lb::controlplane::swim
