#include "dataplane/limit/byte_bucket.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"

namespace lb::dataplane {
namespace {

// What a bucket grants in this time is one booking: fifty connections then wait a tenth of a second
// for their next turn, and one that wakes up each millisecond has enough to move.
constexpr double kQuantumS = 0.002;
// One splice(2) at most, one full packet at least.
constexpr double kMaxQuantum = 1024 * 1024;
constexpr double kMinQuantum = 1448;

// A thread that is busy looks at its timers a few milliseconds late.
constexpr double kMinBurstS = 0.005;

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

double ByteBucket::Shape::size() const { return std::max(burst_bytes, bytes_per_s * kMinBurstS); }

ByteBucket::ByteBucket(const Shape& shape, Instant now)
    : shape_(shape), at_(now), granted_(shape.size()) {
  LB_CHECK(shape.bytes_per_s == 0 || shape.burst_bytes >= 1);
}

void ByteBucket::SetShape(const Shape& shape, Instant now) {
  LB_CHECK(shape.bytes_per_s == 0 || shape.burst_bytes >= 1);
  const MutexLock lock(mutex_);
  Advance(now);
  shape_ = shape;
  Advance(now);
}

uint64_t ByteBucket::quantum() const {
  const MutexLock lock(mutex_);
  if (shape_.bytes_per_s == 0) return static_cast<uint64_t>(kMaxQuantum);
  const double even = std::clamp(shape_.bytes_per_s * kQuantumS, kMinQuantum, kMaxQuantum);
  return static_cast<uint64_t>(std::min(even, shape_.size()));
}

ByteBucket::Ticket ByteBucket::Book(uint64_t bytes, Instant now) {
  const MutexLock lock(mutex_);
  Advance(now);
  booked_ += bytes;
  return booked_;
}

Instant ByteBucket::DueAt(Ticket ticket, Instant now) {
  const MutexLock lock(mutex_);
  Advance(now);
  const double missing = static_cast<double>(ticket) - granted_;
  if (missing <= 0 || shape_.bytes_per_s == 0) return now;
  return now +
         std::chrono::ceil<Duration>(std::chrono::duration<double>(missing / shape_.bytes_per_s));
}

void ByteBucket::GiveBack(uint64_t bytes, Instant now) {
  const MutexLock lock(mutex_);
  // Those behind in the line come forward.
  given_back_ += bytes;
  granted_ += static_cast<double>(bytes);
  Advance(now);
}

ByteBucket::State ByteBucket::Look(Instant now) {
  const MutexLock lock(mutex_);
  Advance(now);
  const double left = granted_ - static_cast<double>(booked_);
  return {.used = booked_ - given_back_,
          .throttles = left < 0,
          .full = shape_.bytes_per_s == 0 || left >= shape_.size() - 1};
}

bool ByteBucket::Full(Instant now) { return Look(now).full; }

bool ByteBucket::Throttles(Instant now) { return Look(now).throttles; }

uint64_t ByteBucket::used() const {
  const MutexLock lock(mutex_);
  return booked_ - given_back_;
}

void ByteBucket::Advance(Instant now) {
  if (now > at_) {
    granted_ += shape_.bytes_per_s * Seconds(now - at_);
    at_ = now;
  }
  const double most = static_cast<double>(booked_) + shape_.size();
  // Without a limit everything booked is granted.
  if (shape_.bytes_per_s == 0) granted_ = std::max(granted_, static_cast<double>(booked_));
  granted_ = std::min(granted_, most);
}

}  // namespace lb::dataplane
