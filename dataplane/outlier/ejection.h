// Outlier detection: a backend that fails real connections is left out for a while, by each worker
// for itself and as soon as it sees them fail.
//
// Failures in a row are counted without a lock; the first byte of an answer ends the row. The
// ejection itself takes the rule's lock, so that the bound on how many are out holds whichever
// threads see the failures. A backend is out for ejection_time, at its next ejection for twice as
// long, and so on up to kMaxGrowth times; for each ejection_time that it is back without another
// one, one step of that is forgotten. It comes back by its time alone: whoever chooses a backend
// reads the clock's mark. Threading: as each function says.
#pragma once

#include <cstddef>

#include "base/time.h"
#include "dataplane/snapshot/tables.h"

namespace lb::dataplane {

// Longest ejection, as a multiple of ejection_time.
inline constexpr uint32_t kMaxGrowth = 10;

// True when the backend, not this host, is the reason of the failure.
bool IsBackendsFault(ConnectFailure failure);

// Any thread: counts a failure of the rule's backend `index` and leaves it out if it is due. The
// rule's outlier detection is on.
void NoteBackendFailure(const RuleTable& rule, size_t index, ConnectFailure failure, Instant now);

// Any thread: the backend answered, so that its row of failures has ended.
inline void NoteBackendAnswer(const RuleTable& rule, size_t index) {
  OutlierState& outlier = rule.backends[index].state->outlier;
  if (outlier.failures.load(std::memory_order_relaxed) != 0) outlier.failures.store(0);
}

// Control thread, every 100 ms or so: marks the ejected backends whose time is over, and calls
// those who wait for one. Whether a backend is used does not depend on it.
void NoteReturns(const Tables& tables, Instant now);

}  // namespace lb::dataplane
