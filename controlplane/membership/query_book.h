// Serf's questions that were seen: Lamport's clock of them, and which are new. Pure; threading:
// none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>

namespace lb::controlplane::swim {

class QueryBook final {
 public:
  // One that is so much older than the newest is taken for a repetition, as by Serf's agents.
  static constexpr uint64_t kWindow = 512;
  // Questions that are remembered; with more, the oldest are as old as those outside the window.
  static constexpr size_t kMaxSeen = 1024;

  // After a restart: what came before is not taken again. `time` is that of an earlier life.
  void Restore(uint64_t time);

  // Somebody's clock stands so; one that this may not follow (MayFollow) is left alone.
  void Witness(uint64_t time);

  // Whether this one is new, of a time that this clock may follow; it is not new any more, then.
  bool Take(uint64_t time, uint32_t id);

  // The time of the next question, to be taken (Take) by whoever asks it.
  uint64_t time() const { return time_; }

 private:
  uint64_t time_ = 1;
  uint64_t oldest_ = 0;  // What is older was seen.
  std::set<std::pair<uint64_t, uint32_t>> seen_;
};

}  // namespace lb::controlplane::swim
