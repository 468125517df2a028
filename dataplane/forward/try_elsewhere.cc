// How a connection whose backend reset it before any byte goes on with another backend, as after a
// connect that failed. Only where outliers are detected: elsewhere a reset is passed on as it is.
#include "dataplane/forward/connection.h"

namespace lb::dataplane {
namespace {

// A backend that resets later than it may take to connect has its reasons: it tired of a client
// that sends nothing.
bool IsAtOnce(const RuleTable& table, Instant moved_at, Instant now) {
  const auto within = std::chrono::milliseconds(static_cast<int64_t>(table.connect_timeout_ms));
  return now - moved_at <= within;
}

bool SendsHeader(const RuleTable& table) {
  return table.proxy != nullptr && table.proxy->send != proxy::Version::kNone;
}

}  // namespace

bool Connection::MayTryElsewhere() const {
  const RuleTable& table = rule_->table();
  if (!rule_->DetectsOutliers() || !link_.side().reset || client_.reset || answered_) return false;
  if (down_.source_ended || link_.tried().count() >= table.connect_attempts ||
      !IsAtOnce(table, moved_at_, context_.now))
    return false;
  // The PROXY header is written anew; behind the old one nothing may wait.
  if (SendsHeader(table)) return received_bytes_ == 0;
  // What was read from the client is all still here.
  return up_.pipe == nullptr && up_.kept_offset == 0 && up_.kept_bytes == received_bytes_;
}

void Connection::TryElsewhere() {
  if (SendsHeader(rule_->table())) {
    up_.kept.reset();
    up_.kept_offset = up_.kept_bytes = 0;
  }
  EndThrottle();  // Of the backend that is left.
  ForgetBackendTls();
  up_.ended = false;
  keepalive_ = false;
  state_ = State::kConnecting;
  context_.timers.Cancel(*this);
  link_.Fail(*rule_, ConnectFailure::kReset, context_.now);
  ConnectNext();
}

void Connection::NoteBackendReset() {
  if (answered_ || down_.source_ended) return;
  if (received_bytes_ > 0 || IsAtOnce(rule_->table(), moved_at_, context_.now))
    link_.NoteFailure(*rule_, ConnectFailure::kReset, context_.now);
}

void Connection::NoteBackendKept() {
  // Where the protocol has no answer nothing else ends a row of failures.
  if (state_ == State::kRelaying && !answered_ && rule_->DetectsOutliers())
    link_.NoteAnswer(*rule_);
}

}  // namespace lb::dataplane
