#include "dataplane/forward/throttle.h"

#include <algorithm>
#include <utility>

namespace lb::dataplane {

uint64_t Throttle::Way::Allowance(Instant now, Instant& wake) {
  if (credit_ > 0) return credit_;
  if (count_ == 0) return UINT64_MAX;
  while (passed_ < count_) {
    ByteBucket& bucket = *buckets_[passed_];
    if (!in_line_) {
      if (passed_ == 0) {
        quantum_ = bucket.quantum();
        for (uint32_t i = 1; i < count_; ++i) quantum_ = std::min(quantum_, buckets_[i]->quantum());
      }
      ticket_ = bucket.Book(quantum_, now);
      in_line_ = true;
    }
    const Instant due = bucket.DueAt(ticket_, now);
    if (due > now) {
      wake = std::min({wake, due, now + kMaxWait});
      return 0;
    }
    in_line_ = false;
    ++passed_;
  }
  passed_ = 0;
  credit_ = quantum_;
  return credit_;
}

void Throttle::Way::GiveBackRest(Instant now) {
  if (credit_ == 0) return;
  for (uint32_t i = 0; i < count_; ++i) buckets_[i]->GiveBack(credit_, now);
  credit_ = 0;
}

void Throttle::Way::Leave(Instant now) {
  GiveBackRest(now);
  const uint32_t booked = passed_ + (in_line_ ? 1 : 0);
  for (uint32_t i = 0; i < booked; ++i) buckets_[i]->GiveBack(quantum_, now);
  passed_ = 0;
  in_line_ = false;
}

Throttle::Throttle(Connection* owner, std::shared_ptr<BucketPair> client,
                   std::shared_ptr<BucketPair> backend)
    : owner_(owner), client_(std::move(client)), backend_(std::move(backend)) {
  for (BucketPair* pair : {client_.get(), backend_.get()}) {
    if (pair == nullptr) continue;
    up_.Add(pair->upload);
    down_.Add(pair->download);
    pair->connections.fetch_add(1, std::memory_order_relaxed);
  }
}

Throttle::~Throttle() {
  for (BucketPair* pair : {client_.get(), backend_.get()})
    if (pair != nullptr) pair->connections.fetch_sub(1, std::memory_order_relaxed);
}

void Throttle::Leave(Instant now) {
  up_.Leave(now);
  down_.Leave(now);
}

}  // namespace lb::dataplane
