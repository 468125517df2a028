// The rules in force on one I/O thread and its listening sockets.
//
// A socket belongs to its address, not to a rule: it stays open when the address moves from one
// rule to another. When descriptors run out, all sockets pause for kPause, so that the loop neither
// spins nor dies; clients wait in the kernel's queues meanwhile.
// Threading: its I/O thread only, except accept_errors().
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "dataplane/forward/accept_errors.h"
#include "dataplane/forward/listener.h"
#include "dataplane/forward/listening_socket.h"
#include "dataplane/forward/thread_context.h"
#include "dataplane/forward/thread_rule.h"
#include "dataplane/forward/timer_wheel.h"
#include "dataplane/snapshot/tables.h"

namespace lb::dataplane {

class ListenerSet final : private Timer {
 public:
  static constexpr Duration kPause = std::chrono::milliseconds(100);

  // New tables as one thread takes them.
  struct Update {
    std::shared_ptr<const Tables> tables;
    std::map<ListenKey, std::vector<SharedFd>> sockets;  // All to listen on; none: nowhere.
    bool leave_queues = false;  // Somebody else accepts what waits in sockets that go.
  };

  // `seed` is for the round robins of new rules.
  ListenerSet(ThreadContext& context, uint64_t seed) : context_(context), seed_(seed) {
    context_.rules = this;
  }
  ~ListenerSet() {
    context_.timers.Cancel(*this);
    context_.rules = nullptr;
  }
  ListenerSet(const ListenerSet&) = delete;
  ListenerSet& operator=(const ListenerSet&) = delete;

  // Puts the tables in force: unchanged rules stay as they are, sockets no longer named are let go
  // after accepting what waits there.
  void Apply(Update update);
  // The rule of that table's name as this thread has it now; of the table itself when it has none.
  RuleLease LeaseOf(const std::shared_ptr<const RuleTable>& table) const;
  // The rule of this name in force, or nullptr.
  const RuleTable* Find(const std::string& name) const;
  // Clients wait at `listener`.
  void OnReadable(Listener& listener);
  // True when `timer` is this set's own.
  bool Owns(const Timer& timer) const { return &timer == this; }
  // The pause is over.
  void OnTimer();
  // Closes all sockets at once and forgets the rules.
  void Clear();

  const AcceptErrors& accept_errors() const { return errors_; }

 private:
  using Rules = std::map<std::string, RuleLease>;

  // The rule as `table` says it, going on from the rule of that name there is.
  RuleLease Renew(const std::shared_ptr<const RuleTable>& table) const;
  // Goes on with the listener there is for this socket, or makes one. False: it cannot be watched.
  [[nodiscard]] bool Keep(const ListenKey& key, const SharedFd& fd, const RuleLease& rule,
                          std::vector<std::unique_ptr<Listener>>& kept);
  void PauseAll();

  ThreadContext& context_;
  const uint64_t seed_;
  Rules rules_;
  std::map<ListenKey, std::vector<std::unique_ptr<Listener>>> listeners_;
  AcceptErrors errors_;
};

}  // namespace lb::dataplane
