#include "dataplane/forward/backend_link.h"

#include <utility>

#include "base/check.h"
#include "dataplane/forward/socket_options.h"

namespace lb::dataplane {

BackendLink::Progress BackendLink::ConnectNext(ThreadRule& rule, ThreadContext& context,
                                               uint64_t client_hash) {
  LB_CHECK(!open_);
  at_limit_ = false;
  while (tried_.count() < rule.table().connect_attempts) {
    const ThreadRule::Choice choice = rule.Choose(tried_, client_hash, context.now);
    at_limit_ = choice.at_limit && !choice.backend.has_value();
    if (!choice.backend.has_value()) return Progress::kExhausted;
    backend_ = static_cast<uint32_t>(*choice.backend);
    open_ = true;
    if (tried_.count() > 0) rule.counters().retries.Add(1);
    tried_.Add(backend_);
    rule.NoteOpened(backend_);
    side_.Clear();
    slow_ = false;
    dialed_at_ = context.now;
    Dialed dialed = Dial(rule, context);
    side_.fd = std::move(dialed.fd);
    if (!side_.fd.valid()) {
      Fail(rule, dialed.failure, context.now);
      continue;
    }
    if (const int error = side_.Watch(context.epoll_fd); error != 0) {
      Fail(rule, ClassifyConnectError(error), context.now);
      continue;
    }
    side_.writable = dialed.connected;
    if (rule.backend(backend_).address.family() == AF_UNIX)
      side_.NoteUnix();
    else
      side_.nagle = Nagle::kFresh;
    return dialed.connected ? Progress::kConnected : Progress::kConnecting;
  }
  return Progress::kExhausted;
}

Dialed BackendLink::Dial(ThreadRule& rule, ThreadContext& context) {
  Dialed dialed = rule.DialBackend(backend_);
  if (dialed.failure != ConnectFailure::kNoDescriptor || !context.spare_fd.valid()) return dialed;
  context.spare_fd.Reset();
  return rule.DialBackend(backend_);
}

BackendLink::Progress BackendLink::Check() {
  LB_CHECK(open_);
  if (side_.reset || side_.hung_up) {
    const int error = TakeSocketError(side_.fd.get());
    failure_ = ClassifyConnectError(error);
    return Progress::kExhausted;
  }
  return side_.writable ? Progress::kConnected : Progress::kConnecting;
}

void BackendLink::NoteConnected(ThreadRule& rule, Instant now) {
  slow_ = rule.IsSlow(now - dialed_at_);
  if (!slow_) return;
  constexpr auto kSlow = static_cast<size_t>(ConnectFailure::kSlow);
  rule.backend_counters(backend_).connect_failures[kSlow].Add(1);
  rule.NoteFailure(backend_, ConnectFailure::kSlow, now);
}

void BackendLink::Fail(ThreadRule& rule, ConnectFailure failure, Instant now, Blame blame) {
  const auto index = static_cast<size_t>(failure);
  rule.backend_counters(backend_).connect_failures[index].Add(1);
  if (blame == Blame::kBackend) NoteFailure(rule, failure, now);
  Close(rule);
}

void BackendLink::Close(ThreadRule& rule) {
  if (!open_) return;
  side_.fd.Reset();
  rule.backend(backend_).state->slots.Return();
  rule.NoteClosed(backend_);
  open_ = false;
  rule.CallWaiting(backend_);
}

RefuseReason BackendLink::refusal() const {
  if (tried_.count() > 0) return RefuseReason::kConnectFailed;
  return at_limit_ ? RefuseReason::kBackendLimit : RefuseReason::kNoBackend;
}

}  // namespace lb::dataplane
