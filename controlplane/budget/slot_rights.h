// Which host may use how many of the slots of one limit that all hosts share.
//
// Rights are made once and then only moved: the giver lowers its own before the other gains, so
// that all together never pass what was made, whoever hears of it late or never. Each host writes
// its own row alone, its counts only grow, and rows are merged by maximum. Source: the bounded
// counter of Balegas et al., "Extending Eventually Consistent Cloud Databases for Enforcing Numeric
// Invariants", SRDS 2015. Taking what a host had that is gone is ours. Pure; threading: none.
#pragma once

#include <cstdint>
#include <map>

#include "controlplane/budget/host_id.h"

namespace lb::controlplane {

// What one host has done.
struct SlotRow {
  uint64_t minted = 0;
  uint64_t unminted = 0;
  std::map<HostId, uint64_t> given;   // To others.
  std::map<HostId, uint64_t> seized;  // From others.
  friend bool operator==(const SlotRow&, const SlotRow&) = default;
};

class SlotRights final {
 public:
  // Hosts that rights can move between; more are not taken note of.
  static constexpr size_t kMaxHosts = 4'096;
  // Of each count: what no cluster reaches, and sums of which do not overflow.
  static constexpr uint64_t kMaxCount = uint64_t{1} << 48;

  // Takes what is known elsewhere of a host's row, all or a part of it; true: something is new.
  bool Merge(HostId host, const SlotRow& row);
  // True when `row` lacks something that is known here.
  bool Exceeds(HostId host, const SlotRow& row) const;

  // What a host may use; negative: it gave more than it had, as others know it, and others owe it
  // the difference.
  int64_t RightsOf(HostId host) const;
  // What others gave it, since ever.
  uint64_t ReceivedBy(HostId host) const;
  // True when no further host would be taken note of: then nothing may be made any more.
  bool full() const { return rows_.size() >= kMaxHosts; }
  // Of all hosts.
  int64_t total() const { return total_; }

  // The deeds of this host; each count stops at kMaxCount.
  void Mint(HostId self, uint64_t slots);
  void Unmint(HostId self, uint64_t slots);
  void Give(HostId self, HostId to, uint64_t slots);
  // Takes all that a host has; nothing of who has nothing.
  void Seize(HostId self, HostId from);

  const std::map<HostId, SlotRow>& rows() const { return rows_; }
  // Of every host that has or had any.
  const std::map<HostId, int64_t>& rights() const { return rights_; }

 private:
  bool MergeMoves(const std::map<HostId, uint64_t>& from, std::map<HostId, uint64_t>& to,
                  HostId host, bool given);

  std::map<HostId, SlotRow> rows_;
  std::map<HostId, int64_t> rights_;
  std::map<HostId, uint64_t> received_;
  int64_t total_ = 0;
};

}  // namespace lb::controlplane
