#include "dataplane/forward/listener.h"

#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/system_calls.h"
#include "dataplane/forward/access_notes.h"
#include "dataplane/forward/client_screen.h"
#include "dataplane/forward/connection.h"
#include "dataplane/forward/io_thread.h"
#include "dataplane/forward/socket_options.h"

namespace lb::dataplane {
namespace {

// A connection on its way to another thread.
struct Handed {
  Handed(UniqueFd fd, std::unique_ptr<ClientConnections::Hold> hold_of_client)
      : client(std::move(fd)), hold(std::move(hold_of_client)) {}

  UniqueFd client;
  std::unique_ptr<ClientConnections::Hold> hold;
};

}  // namespace

Listener::~Listener() {
  // epoll_ctl(2): taking a descriptor out that is in the set cannot fail.
  if (epoll_fd_ >= 0) LB_CHECK(epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd_->get(), nullptr) == 0);
}

int Listener::Resume(int epoll_fd) { return Control(epoll_fd, EPOLLIN); }

void Listener::Pause(int epoll_fd) {
  // epoll_ctl(2): changing an entry needs no memory.
  if (epoll_fd_ >= 0) LB_CHECK(Control(epoll_fd, 0) == 0);
}

int Listener::Control(int epoll_fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = static_cast<EventSource*>(this);
  const int operation = epoll_fd_ >= 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (epoll_ctl(epoll_fd, operation, fd_->get(), &event) != 0) return errno;
  epoll_fd_ = epoll_fd;
  return 0;
}

Listener::Accepted Listener::AcceptBatch(ThreadContext& context, AcceptErrors& errors) {
  for (int i = 0; i < kMaxBatch; ++i) {
    if (const int error = context.KeepSpare(); error != 0) {
      errors.Add(error);
      return Accepted::kPause;
    }
    UniqueFd client(raw::Accept(fd_->get(), SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client.valid()) {
      Admit(context, std::move(client));
      continue;
    }
    if (errno == EAGAIN) return Accepted::kAll;
    const int error = errno;
    errors.Add(error);
    if (AcceptErrors::MustPause(error)) return Accepted::kPause;
  }
  return Accepted::kSome;
}

void Listener::AcceptWaiting(ThreadContext& context, AcceptErrors& errors) {
  // As many as the queue holds, and no more: clients may come faster than they are accepted.
  for (int batch = 0; batch <= kListenBacklog / kMaxBatch; ++batch) {
    if (AcceptBatch(context, errors) != Accepted::kSome) return;
  }
}

void Listener::Admit(ThreadContext& context, UniqueFd client) {
  const RuleTable& table = rule_->table();
  if (ScreensClients(table)) {
    const std::optional<RefuseReason> refusal = ScreenSocket(table, client.get());
    if (refusal.has_value()) return Refuse(context, std::move(client), *refusal);
  }
  std::unique_ptr<ClientConnections::Hold> hold;
  if (LimitsBeforeHeader(table, client.get())) {
    const auto refusal = LimitClient(*rule_, PeerAddress(client.get()), context.now, hold);
    if (refusal.has_value()) return Refuse(context, std::move(client), *refusal);
  }
  if (!context.group.Admit(context.thread))
    return Refuse(context, std::move(client), RefuseReason::kWorkerLimit);
  if (!TakeRuleSlot(table)) {
    context.group.Leave(context.thread);
    return Refuse(context, std::move(client), RefuseReason::kRuleLimit);
  }
  // The other thread may have no spare descriptor for the second one that the connection needs.
  const bool stays = context.FewDescriptorsLeft(client.get());
  const size_t thread = stays ? context.thread : context.group.Place(context.thread);
  if (thread == context.thread)
    return Connection::Start(context, rule_, std::move(client), std::move(hold));
  // Copyable, as a function must be.
  auto handed = std::make_shared<Handed>(std::move(client), std::move(hold));
  context.group.inbox(thread).Post([table = rule_->shared_table(), handed](ThreadParts parts) {
    Connection::Start(parts.context, parts.listeners.LeaseOf(table), std::move(handed->client),
                      std::move(handed->hold));
  });
}

bool Listener::TakeRuleSlot(const RuleTable& table) {
  if (table.limited) return table.state->slots.TryTake();
  table.state->slots.Take();
  return true;
}

void Listener::Refuse(const ThreadContext& context, UniqueFd client, RefuseReason reason) {
  rule_->counters().refused[static_cast<size_t>(reason)].Add(1);
  if (context.Logs(rule_->table()))
    context.access_ring.Push(RefusedAtOnce(*rule_, client.get(), reason, context.now));
  if (WithReset(rule_->table(), reason)) CloseWithReset(client.get());
}

}  // namespace lb::dataplane
