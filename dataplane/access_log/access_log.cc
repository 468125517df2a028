#include "dataplane/access_log/access_log.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "dataplane/access_log/access_line.h"

namespace lb::dataplane {
namespace {

uint64_t CountLines(std::string_view text) {
  return static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

AccessLog::AccessLog(Options options)
    : options_(std::move(options)), rings_(options_.threads), ids_(options_.seed) {}

AccessLog::~AccessLog() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    orders_.stop = ordered_ = true;
  }
  woken_.notify_one();
  thread_.join();
}

void AccessLog::SetDestination(const std::string& destination) {
  {
    const std::lock_guard lock(mutex_);
    if (orders_.destination == destination) return;
    orders_.destination = destination;
    ordered_ = true;
  }
  for (RecordRing& ring : rings_) destination.empty() ? ring.SwitchOff() : ring.SwitchOn();
  if (!thread_.joinable()) {
    destination_ = destination;
    thread_ = std::thread([this] { Run(); });
  }
  woken_.notify_one();
}

void AccessLog::Reopen() {
  {
    const std::lock_guard lock(mutex_);
    orders_.reopen = ordered_ = true;
  }
  woken_.notify_one();
}

uint64_t AccessLog::dropped() const {
  uint64_t sum = dropped_.load(std::memory_order_relaxed);
  for (const RecordRing& ring : rings_) sum += ring.dropped();
  return sum;
}

std::string AccessLog::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

void AccessLog::SetError(std::string error) {
  const std::lock_guard lock(mutex_);
  error_ = std::move(error);
}

void AccessLog::Run() {
  pthread_setname_np(pthread_self(), "lb-access-log");  // Only for people.
  // Signals are the control thread's; writing to a pipe that nobody has open raises SIGPIPE here.
  sigset_t all;
  sigfillset(&all);
  LB_CHECK(pthread_sigmask(SIG_BLOCK, &all, nullptr) == 0);
  for (;;) {
    const Orders orders = NextOrders();
    const Instant now = options_.clock().steady;
    if (destination_.empty()) destination_ = orders.destination;
    CheckMoved(now);
    WriteAll(now);
    if (orders.stop) return;
    if (orders.reopen || orders.destination != destination_) Close();
    destination_ = orders.destination;
  }
}

AccessLog::Orders AccessLog::NextOrders() {
  std::unique_lock lock(mutex_);
  if (destination_.empty())
    woken_.wait(lock, [this] { return ordered_; });
  else
    woken_.wait_for(lock, kTurn, [this] { return ordered_; });
  ordered_ = false;
  Orders orders = orders_;
  orders_.reopen = false;
  return orders;
}

void AccessLog::WriteAll(Instant now) {
  const ClockReading clocks = options_.clock();
  while (Fill(clocks)) {
    if (!sink_ && !OpenSink(now)) {
      DropPending();
      continue;
    }
    if (!Flush()) return;
  }
}

// True when there is something to write.
bool AccessLog::Fill(const ClockReading& clocks) {
  for (RecordRing& ring : rings_) {
    AccessRecord record;
    while (pending_.size() < kMaxPendingBytes && ring.Pop(record)) {
      if (pending_.empty() && std::exchange(cut_, false)) pending_ += '\n';
      AppendAccessLine(record, options_.worker, clocks.ToWall(record.began_at), ids_, pending_);
    }
  }
  return !pending_.empty();
}

// True when the destination took everything.
bool AccessLog::Flush() {
  const absl::StatusOr<size_t> written = sink_->Write(pending_);
  if (!written.ok()) {
    Complain(written.status());
    DropPending();
    return false;
  }
  if (*written > 0) {
    const std::string_view taken(pending_.data(), *written);
    lines_.fetch_add(CountLines(taken), std::memory_order_relaxed);
    cut_ = taken.back() != '\n';
    pending_.erase(0, *written);
    if (std::exchange(complained_, false)) SetError("");
  }
  return pending_.empty();
}

bool AccessLog::OpenSink(Instant now) {
  if (tried_at_ != Instant::min() && now - tried_at_ < kRetry) return false;
  tried_at_ = now;
  absl::StatusOr<LogSink> opened = LogSink::Open(destination_);
  if (!opened.ok()) {
    Complain(opened.status());
    return false;
  }
  sink_ = *std::move(opened);
  return true;
}

void AccessLog::CheckMoved(Instant now) {
  if (!sink_ || now - tried_at_ < kRetry) return;
  tried_at_ = now;
  if (!sink_->Moved()) return;
  // What is cut is finished where it began.
  if (!pending_.empty() && !Flush()) DropPending();
  Close();
}

// The next line opens the destination again.
void AccessLog::Close() {
  DropPending();
  sink_.reset();
  cut_ = false;
  if (std::exchange(complained_, false)) SetError("");
  tried_at_ = Instant::min();
}

void AccessLog::DropPending() {
  dropped_.fetch_add(CountLines(pending_), std::memory_order_relaxed);
  pending_.clear();
}

// Once for each time that it begins to fail.
void AccessLog::Complain(const absl::Status& status) {
  if (std::exchange(complained_, true)) return;
  SetError(std::string(status.message().data(), status.message().size()));
  LogWarn("access log lines are dropped",
          {{"error", std::string(status.message().data(), status.message().size())}});
}

}  // namespace lb::dataplane
