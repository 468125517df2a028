// An allowance of bytes that connections share: so many per second, some at once after a quiet
// time.
//
// Who wants to move bytes books them and gets a ticket: its place in the line of all bookings. It
// may move them once the bucket has granted that many bytes. So all who share a bucket get theirs
// in turn, and the rate may change at any time: tickets stay what they are, only when they come due
// changes. Source: token bucket (RFC 2697, 1) with a FIFO line, counted from the beginning of time.
// Threading: any thread.
#pragma once

#include <cstdint>

#include "base/mutex.h"
#include "base/time.h"

namespace lb::dataplane {

class ByteBucket final {
 public:
  struct Shape {
    double bytes_per_s = 0;  // 0: no limit.
    double burst_bytes = 0;  // At least 1 where there is a limit.

    // Bytes that the bucket holds: the burst, and at least what is granted from one turn of an I/O
    // thread to the next few, or the rate would never be reached.
    double size() const;

    friend bool operator==(const Shape&, const Shape&) = default;
  };
  // A place in the line: the bytes booked up to its end since the beginning.
  using Ticket = uint64_t;

  // Begins full.
  ByteBucket(const Shape& shape, Instant now);

  // Gives the bucket another rate or burst; what is in it stays, up to the new burst.
  void SetShape(const Shape& shape, Instant now);

  // How much one booking takes: small enough for a fair turn, large enough to be worth one.
  uint64_t quantum() const;

  Ticket Book(uint64_t bytes, Instant now);
  // When the ticket comes due as things are; `now` or earlier when it is. A change of shape and
  // what others give back can only be seen by asking again.
  Instant DueAt(Ticket ticket, Instant now);
  // Of a booking: bytes that will not be moved.
  void GiveBack(uint64_t bytes, Instant now);

  // How it stands: `used` as used() says, the others as the calls of these names.
  struct State {
    uint64_t used = 0;
    bool throttles = false;
    bool full = false;
  };
  State Look(Instant now);
  // True when nobody has booked what is not granted, and the burst is whole: a new bucket of the
  // same shape would be no different.
  bool Full(Instant now);
  // True when somebody has to wait for his turn.
  bool Throttles(Instant now);
  // Bytes booked and not given back, since the beginning.
  uint64_t used() const;

 private:
  void Advance(Instant now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  Shape shape_ ABSL_GUARDED_BY(mutex_);
  Instant at_ ABSL_GUARDED_BY(mutex_);
  uint64_t booked_ ABSL_GUARDED_BY(mutex_) = 0;
  double granted_ ABSL_GUARDED_BY(mutex_);  // Up to at_.
  uint64_t given_back_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace lb::dataplane
