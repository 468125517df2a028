// What slows one connection down: the buckets that it shares, and its place in their lines.
//
// A direction moves only bytes that it has booked in each of its buckets, one after the other; what
// it then does not move it gives back. While it waits, nothing is read, so the sender's window
// closes and no byte is held here. Threading: the connection's I/O thread only.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/time.h"
#include "dataplane/forward/timer_wheel.h"
#include "dataplane/limit/bandwidth.h"

namespace lb::dataplane {

class Connection;

class Throttle final : public Timer {
 public:
  // A rate that was raised is noticed by those who wait within this.
  static constexpr std::chrono::milliseconds kMaxWait{50};

  // One direction's way through its buckets.
  class Way final {
   public:
    void Add(ByteBucket& bucket) { buckets_[count_++] = &bucket; }

    // Bytes that may be read now. 0: not before `wake`, which is moved forward to then.
    uint64_t Allowance(Instant now, Instant& wake);
    // So many of them were read.
    void Moved(uint64_t bytes) { credit_ -= count_ > 0 ? bytes : 0; }
    // No more can be read now: what is left of the allowance is for others.
    void GiveBackRest(Instant now);
    // Gives back everything, also its places in line.
    void Leave(Instant now);
    // Whether there is something to move that only waits for its turn.
    void NotePaused(bool paused) { paused_ = paused; }
    bool paused() const { return paused_; }

   private:
    // At most one of the client and one of the backend.
    std::array<ByteBucket*, 2> buckets_{};
    uint32_t count_ = 0;
    uint32_t passed_ = 0;   // Buckets in which the booking is due.
    bool in_line_ = false;  // In the one behind those.
    bool paused_ = false;
    ByteBucket::Ticket ticket_ = 0;
    uint64_t quantum_ = 0;  // What is being booked.
    uint64_t credit_ = 0;   // Booked in all of them, and not moved.
  };

  // Either pair may be nullptr.
  Throttle(Connection* owner, std::shared_ptr<BucketPair> client,
           std::shared_ptr<BucketPair> backend);
  ~Throttle();
  Throttle(const Throttle&) = delete;
  Throttle& operator=(const Throttle&) = delete;

  Connection* owner() const { return owner_; }
  // True while it is only this that holds the connection up.
  bool paused() const { return up_.paused() || down_.paused(); }
  Way& up() { return up_; }
  Way& down() { return down_; }
  void Leave(Instant now);

  static Throttle& Of(Timer& timer) { return static_cast<Throttle&>(timer); }

 private:
  Connection* const owner_;
  const std::shared_ptr<BucketPair> client_;
  const std::shared_ptr<BucketPair> backend_;
  Way up_;
  Way down_;
};

}  // namespace lb::dataplane
