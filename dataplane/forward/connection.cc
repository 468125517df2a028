#include "dataplane/forward/connection.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "dataplane/forward/client_screen.h"
#include "dataplane/forward/listener_set.h"
#include "dataplane/forward/socket_options.h"
#include "dataplane/forward/tls_ends.h"

namespace lb::dataplane {
namespace {

Duration Milliseconds(uint64_t count) {
  return std::chrono::milliseconds(static_cast<int64_t>(count));
}

// The age at which the backend's socket gets keepalive: before its first probe is due.
constexpr std::chrono::seconds kKeepaliveAfter{kKeepaliveIdleS / 2};

// Beside the kernel's sockets, all that an idle connection costs.
constexpr size_t kMaxConnectionBytes = 328;

}  // namespace

void Connection::Start(ThreadContext& context, RuleLease rule, UniqueFd client,
                       std::unique_ptr<ClientConnections::Hold> client_hold) {
  static_assert(sizeof(Connection) <= kMaxConnectionBytes);
  auto* connection =
      new Connection(context, std::move(rule), std::move(client), std::move(client_hold));
  if (connection->client_.Watch(context.epoll_fd) != 0)
    connection->Refuse(RefuseReason::kWorkerLimit);
  else
    connection->Begin();
}

void Connection::Begin() {
  const RuleTable& table = rule_->table();
  if (table.proxy == nullptr || !ExpectsHeader(*table.proxy, client_.fd.get())) return Secure();
  state_ = State::kReadingHeader;
  context_.timers.Arm(*this, context_.now + Milliseconds(table.proxy->header_timeout_ms));
}

void Connection::Admit() {
  const RuleTable& table = rule_->table();
  // Those who wait come first. When no more may wait, a free backend is one that they cannot use.
  const uint64_t waiting = table.line().queue.waiting();
  if (waiting > 0 && waiting < table.queue_max) return Wait();
  ConnectNext();
}

Connection::Connection(ThreadContext& context, RuleLease rule, UniqueFd client,
                       std::unique_ptr<ClientConnections::Hold> client_hold)
    : context_(context),
      rule_(std::move(rule)),
      client_(this),
      link_(this),
      started_at_(context.now),
      moved_at_(context.now),
      bandwidth_generation_(context.bandwidth_generation),
      client_hold_(std::move(client_hold)) {
  client_.fd = std::move(client);
  client_.writable = true;
  next_ = std::exchange(context_.first, this);
  if (next_ != nullptr) next_->previous_ = this;
  rule_->counters().connections_total.Add(1);
  rule_->counters().connections.Add(1);
  if (context_.Logs(rule_->table())) notes_ = AccessNotes::Begin(client_.fd.get());
}

Connection::~Connection() = default;

void Connection::DestroyClosed(ThreadContext& context) {
  if (context.closed.empty()) return;
  std::erase_if(context.run_again, [](const Connection* c) { return c->state_ == State::kClosed; });
  for (Connection* connection : context.closed) delete connection;
  context.closed.clear();
}

void Connection::CloseAll(ThreadContext& context, CloseReason reason) {
  while (context.first != nullptr) context.first->Close(reason);
}

void Connection::OnEvents(Side& side, uint32_t events) {
  if (state_ == State::kClosed) return;
  side.Note(events);
  if (state_ == State::kRelaying) return Relay();
  if (state_ == State::kReadingHeader) return ReadHeader();
  if (state_ == State::kHandshaking) return tls_->handshake->Due();
  if (state_ == State::kReadingHello) return ReadHello();
  if (&side != &client_) return state_ == State::kConnecting ? OnConnectEvent() : void();
  // A FIN alone may come from a client that still waits for the answer.
  if (client_.reset || client_.hung_up) Close(CloseReason::kClientReset);
}

void Connection::OnRunAgain() {
  runs_again_ = false;
  const bool leaves = std::exchange(leaves_, false);
  if (state_ != State::kRelaying) return;
  if (leaves && MayTryElsewhere()) return TryElsewhere();
  Relay();
}

void Connection::OnTimer() {
  LB_CHECK(state_ != State::kClosed);
  if (state_ == State::kWaiting) return Refuse(RefuseReason::kQueueTimeout);
  if (state_ == State::kReadingHeader) return Refuse(RefuseReason::kProxyHeader);
  if (state_ == State::kReadingHello) return Refuse(RefuseReason::kTlsTimeout);
  if (state_ == State::kHandshaking)
    return FailHandshake(HandshakeFailure::kTimeout, RefuseReason::kTlsTimeout);
  if (state_ == State::kConnecting)
    return FailConnect(Secures() ? ConnectFailure::kTlsTimeout : ConnectFailure::kTimeout);
  // Moving bytes does not move the timer; it looks here whether it has to go on.
  const Instant due = moved_at_ + Timeout();
  if (due <= context_.now) {
    // Who waits for his turn is not idle, however long the line is.
    if (throttle_ == nullptr || !throttle_->paused())
      return Close(HalfClosed() ? CloseReason::kHalfClose : CloseReason::kIdle);
    return context_.timers.Arm(*this, context_.now + Timeout());
  }
  context_.timers.Arm(*this, due);
  NoteBackendKept();
  if (std::exchange(keepalive_, true) ||
      rule_->backend(link_.backend()).address.family() == AF_UNIX)
    return;
  EnableKeepalive(link_.side().fd.get());
}

void Connection::ConnectNext() {
  const uint64_t client_hash = rule_->HashesClient() ? ClientHash() : 0;
  switch (link_.ConnectNext(*rule_, context_, client_hash)) {
    case BackendLink::Progress::kConnecting:
      EndWaiting();
      return context_.timers.Arm(*this,
                                 context_.now + Milliseconds(rule_->table().connect_timeout_ms));
    case BackendLink::Progress::kConnected:
      EndWaiting();
      return Connected();
    case BackendLink::Progress::kExhausted:
      if (link_.at_limit() && rule_->table().queue_max > 0) return Wait();
      return Refuse(link_.refusal());
  }
}

void Connection::Wait() {
  state_ = State::kWaiting;
  if (notes_ != nullptr) notes_->EnterQueue(context_.now);
  WaitQueue& queue = rule_->table().line().queue;
  const bool returned = waiting_ != nullptr && waiting_->in_line();
  if (returned)
    waiting_->Return();
  else if (!EnterQueue())
    return Refuse(RefuseReason::kQueueFull);
  context_.timers.Arm(*this, waiting_->deadline());
  // Routes that changed while it tried backends of the old ones called only those who stood in
  // line.
  if (HasOldRoute()) return waiting_->CallSelf();
  // A slot that came free before this one stood in line called nobody, or somebody else; so did new
  // tables while it was trying backends of the old ones.
  const bool has_tried = !returned && link_.tried().count() > 0;
  if (has_tried || rule_->CanChoose(link_.tried(), context_.now))
    queue.CallNext();
  else if (returned && rule_->CanChoose(TriedBackends(), context_.now))
    queue.CallBehind(waiting_->place());
}

bool Connection::EnterQueue() {
  if (waiting_ != nullptr) return waiting_->EnterAgain(rule_->table());
  waiting_ = Waiting::Enter(this, rule_->table(), context_.group.shared_inbox(context_.thread),
                            rule_->counters(), context_.now);
  return waiting_ != nullptr;
}

void Connection::OnCalled(const ListenerSet& listeners) {
  LB_CHECK(state_ == State::kWaiting);
  if (!FollowRule(listeners.LeaseOf(rule_->shared_table()))) return;
  if (waiting_->TakeRecovered()) link_.ForgetTried();
  state_ = State::kConnecting;
  ConnectNext();
}

// It has a slot: out of the queue, and one call for the next slot if there is one.
void Connection::EndWaiting() {
  if (waiting_ == nullptr || !waiting_->in_line()) return;
  waiting_->Served();
  if (notes_ != nullptr) notes_->LeaveQueue(context_.now);
  if (rule_->CanChoose(TriedBackends(), context_.now)) rule_->table().line().queue.CallNext();
}

void Connection::OnConnectEvent() {
  if (Secures()) return tls_->handshake->Due();
  switch (link_.Check()) {
    case BackendLink::Progress::kConnecting:
      return;
    case BackendLink::Progress::kConnected:
      return Connected();
    case BackendLink::Progress::kExhausted:
      return FailConnect(link_.failure());
  }
}

void Connection::Established() {
  state_ = State::kRelaying;
  waiting_.reset();
  moved_at_ = context_.now;
  if (notes_ != nullptr) notes_->Connected(link_.side().fd.get(), context_.now);
  ArmTimeout();
  if (rule_->table().Throttles(link_.backend())) StartThrottle();
  const bool plain = rule_->table().backend_tls == nullptr;
  if (plain && rule_->table().proxy != nullptr && !QueueHeader())
    return Close(CloseReason::kClientReset);
  Relay();
}

void Connection::ArmTimeout() {
  // Most connections end before keepalive would have anything to do; the timer finds the others.
  const Duration timeout = keepalive_ ? Timeout() : std::min<Duration>(Timeout(), kKeepaliveAfter);
  context_.timers.Arm(*this, moved_at_ + timeout);
}

void Connection::Relay() {
  if (bandwidth_generation_ != context_.bandwidth_generation) FollowBandwidth();
  Side& backend = link_.side();
  const bool was_half_closed = HalfClosed();
  Pumped up;
  Pumped down;
  if (!backend.reset) up = PumpUp();
  if (!client_.reset) down = PumpDown();
  Count(up, down);
  if (tls_ != nullptr) NoteTruncation(was_half_closed, up, down);
  if (client_.reset || backend.reset) return OnReset(up, down);
  const bool cut_off = tls_ != nullptr && tls_->cut_off;
  if (cut_off && MustReset()) return Close(CloseReason::kTlsTruncated);
  if (up_.ended && down_.ended)
    return Close(cut_off ? CloseReason::kTlsTruncated : CloseReason::kNormal);
  if (up.result == PumpResult::kAgain || down.result == PumpResult::kAgain) RunAgainLater();
  if (HalfClosed() && !was_half_closed) {
    moved_at_ = context_.now;  // The FIN moved.
    ArmTimeout();
  }
}

void Connection::Count(const Pumped& up, const Pumped& down) {
  const uint64_t moved = up.received_bytes + up.sent_bytes + down.received_bytes + down.sent_bytes;
  if (moved == 0) return;
  moved_at_ = context_.now;
  if (down.received_bytes > 0 && !std::exchange(answered_, true)) link_.NoteAnswer(*rule_);
  if (notes_ != nullptr && sent_bytes_ == 0 && down.sent_bytes > 0)
    notes_->first_byte_at = context_.now;
  received_bytes_ += up.received_bytes;
  sent_bytes_ += down.sent_bytes;
  rule_->counters().received_bytes.Add(up.received_bytes);
  rule_->counters().sent_bytes.Add(down.sent_bytes);
  BackendCounters& backend = rule_->backend_counters(link_.backend());
  backend.sent_bytes.Add(up.sent_bytes);
  backend.received_bytes.Add(down.received_bytes);
}

void Connection::OnReset(const Pumped& up, const Pumped& down) {
  // What the failed side sent before is delivered first, as far as the other side takes it now.
  // Waiting for a slow one would keep a slot for a peer that is gone.
  const bool both = client_.reset && link_.side().reset;
  const PumpResult rest = client_.reset ? up.result : down.result;
  const Side& failed = client_.reset ? client_ : link_.side();
  const Side& other = client_.reset ? link_.side() : client_;
  // It may have been found out by a write after its own direction had been looked at.
  const bool unread = rest == PumpResult::kWaiting && failed.readable && other.writable;
  if (!both && (rest == PumpResult::kAgain || unread)) return RunAgainLater();
  // A bandwidth limit holds it back; its timer goes on.
  if (!both && rest == PumpResult::kPaused) return;
  if (MayTryElsewhere()) {
    // In the next turn: an event of this one may be about the socket that failed.
    leaves_ = true;
    return RunAgainLater();
  }
  if (!client_.reset) NoteBackendReset();
  Close(client_.reset ? CloseReason::kClientReset : CloseReason::kBackendReset);
}

void Connection::RunAgainLater() {
  if (std::exchange(runs_again_, true)) return;
  context_.run_again.push_back(this);
}

Duration Connection::Timeout() const {
  const RuleTable& table = rule_->table();
  const uint64_t idle_ms = table.idle_timeout_ms;
  return Milliseconds(HalfClosed() ? std::min(idle_ms, table.half_close_timeout_ms) : idle_ms);
}

void Connection::Refuse(RefuseReason reason) {
  rule_->counters().refused[static_cast<size_t>(reason)].Add(1);
  if (context_.Logs(rule_->table())) LogEnd(ToString(reason));
  CloseSockets(WithReset(rule_->table(), reason));
}

void Connection::Close(CloseReason reason) {
  rule_->counters().closed[static_cast<size_t>(reason)].Add(1);
  if (reason == CloseReason::kNormal) NoteBackendKept();
  if (context_.Logs(rule_->table())) LogEnd(ToString(reason));
  const bool clean =
      reason == CloseReason::kNormal || (reason == CloseReason::kTlsTruncated && !MustReset());
  CloseSockets(!clean);
}

void Connection::CloseSockets(bool with_reset) {
  LB_CHECK(state_ != State::kClosed);
  EndHandshake();
  state_ = State::kClosed;
  context_.timers.Cancel(*this);
  client_hold_.reset();  // First: who sees the end may come again.
  if (with_reset) {
    CloseWithReset(client_.fd.get());
    if (link_.side().fd.valid()) CloseWithReset(link_.side().fd.get());
  }
  waiting_.reset();
  EndThrottle();
  ReturnPipe(up_, context_.tools);
  ReturnPipe(down_, context_.tools);
  client_.fd.Reset();
  link_.Close(*rule_);
  context_.KeepSpare();  // For those who wait for a backend, not only for those to be accepted.
  for (const auto& walk : context_.walks) walk->OnLeaving(context_, this, next_);
  (previous_ == nullptr ? context_.first : previous_->next_) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  rule_->counters().connections.Subtract(1);
  rule_->table().state->slots.Return();
  context_.group.Leave(context_.thread);
  context_.closed.push_back(this);
}

}  // namespace lb::dataplane
