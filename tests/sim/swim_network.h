// How packets and connections fare between members: loss, delay, partitions, hosts that are held
// up or gone. Threading: none.
//
// The model is that of the measurements which the bars of swim_test.cc come from: each packet is
// lost by itself, one-way delay 0.5 to 1.5 ms; of a TCP connection SYN, SYN-ACK, request and reply
// are lost likewise, tried again after 1, 2, 4 s and 200, 400 ... ms.
#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <vector>

#include "base/prng.h"
#include "base/time.h"

namespace lb::sim {

struct Faults {
  double loss = 0;       // Of each packet, 0 to 1.
  double duplicate = 0;  // Of each packet: it comes twice.
  Duration late{};       // Each packet is late by up to so much more: they overtake each other.
};

class SwimNetwork final {
 public:
  SwimNetwork(size_t members, Faults faults, uint64_t seed);

  void SetFaults(const Faults& faults) { faults_ = faults; }
  // Whether packets are lost, doubled or late, or parts do not reach each other.
  bool has_faults() const;
  void SetLoss(double loss) { faults_.loss = loss; }
  // Members of another part are not reached; all of part 0 are at the start.
  void SetPart(size_t member, int part) { part_.at(member) = part; }
  void SetDown(size_t member, bool down) { down_.at(member) = down; }
  // What it sends and what is sent to it is held until then.
  void HoldUntil(size_t member, Instant until) { held_until_.at(member) = until; }
  bool IsDown(size_t member) const { return down_.at(member); }

  // When each copy of a packet that is sent now arrives; empty: it is lost.
  std::vector<Instant> Packet(size_t from, size_t to, Instant now);
  // When a request, or a reply, that is sent by TCP arrives; Instant::max(): never.
  Instant Connect(size_t from, size_t to, Instant now);
  Instant Segment(size_t from, size_t to, Instant now);

 private:
  bool Lost() { return prng_.Below(1'000'000) < static_cast<uint64_t>(faults_.loss * 1e6); }
  bool Reaches(size_t from, size_t to) const {
    return !down_[from] && !down_[to] && part_[from] == part_[to];
  }
  Duration Delay();
  Instant Held(size_t from, size_t to, Instant now) const;

  Faults faults_;
  Prng prng_;
  std::vector<int> part_;
  std::vector<bool> down_;
  std::vector<Instant> held_until_;
};

}  // namespace lb::sim
