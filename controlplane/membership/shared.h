// What the parts of a member have in common. Threading: none.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "controlplane/membership/broadcast_queue.h"
#include "controlplane/membership/event.h"
#include "controlplane/membership/member_table.h"
#include "controlplane/membership/options.h"
#include "controlplane/membership/wire_error.h"

namespace lb::controlplane::swim {

// Totals since the start.
struct Counters {
  uint64_t probes = 0;
  uint64_t probes_failed = 0;
  uint64_t refutations = 0;
  uint64_t conflicts = 0;
  uint64_t exchanges = 0;
  uint64_t exchanges_failed = 0;
  uint64_t refused = 0;  // Said of members with other versions, or of more than are taken.
  uint64_t packets_in = 0;
  uint64_t packets_out = 0;
  std::array<uint64_t, kWireErrors> bad_messages{};
};

// A member that is no longer in the table.
struct Departed {
  NodeState node;
  Instant at;
};

// One call of Handle.
struct Turn {
  Instant now;
  std::vector<Action>& actions;
};

class Shared final {
 public:
  Shared(Options own, uint64_t seed) : options(std::move(own)), prng(seed) {
    next_seq_no_ = static_cast<uint32_t>(prng.Next());
  }

  bool IsSelf(const std::string& name) const { return name == options.name; }
  const Member& self() const { return *table.Find(options.name); }
  uint32_t NextSeqNo() { return next_seq_no_++; }
  ExchangeId NextExchange() { return next_exchange_++; }

  // Worse by `by`, or better where it is negative.
  void AddAwareness(int by);
  int awareness() const { return awareness_; }

  // A random part of `whole`.
  Duration Part(Duration whole) {
    return Duration(static_cast<int64_t>(prng.Below(static_cast<uint64_t>(whole.count()))));
  }

  // One message to a member, and of what is to be passed on as much as fits.
  void Send(const Address& to, std::string message, Turn& turn);
  // One message and no more.
  void SendAlone(const Address& to, std::string message, Turn& turn);
  // What is to be passed on alone; nothing where there is nothing.
  void SendBroadcasts(const Member& to, Turn& turn);
  // These messages and no others.
  void SendParts(const Member& to, std::vector<std::string> parts, Turn& turn);

  void Notice(MemberNotice::Kind kind, const NodeState& node, Turn& turn) {
    turn.actions.push_back(MemberNotice{kind, node.name, node.address});
  }

  const Options options;
  Prng prng;
  MemberTable table;
  BroadcastQueue queue;
  Counters counters;
  std::map<std::string, Departed> departed;  // By name; at most options.max_members.
  std::string user_state;                    // See SetState.
  bool leaving = false;

 private:
  size_t Limit() const { return RetransmitLimit(options.timing.retransmit_mult, table.size()); }

  uint32_t next_seq_no_ = 0;
  ExchangeId next_exchange_ = 1;
  int awareness_ = 0;
};

}  // namespace lb::controlplane::swim
