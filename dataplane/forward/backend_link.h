// The backend end of a connection: from choosing a backend to closing its socket.
//
// A slot of the backend is taken before its socket is made and returned after it is closed, exactly
// once, so that the sockets to a limited backend never outnumber its slots.
// Threading: its I/O thread only.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/forward/side.h"
#include "dataplane/forward/thread_context.h"
#include "dataplane/forward/thread_rule.h"
#include "dataplane/snapshot/live_state.h"

namespace lb::dataplane {

class BackendLink final {
 public:
  enum class Progress : uint8_t {
    kConnecting,  // An event or the timeout tells the rest.
    kConnected,
    kExhausted,  // No attempt is left; refusal() says why.
  };

  // Whose fault a failure is: only a backend's counts for outlier detection.
  enum class Blame : uint8_t { kBackend, kNobody };

  explicit BackendLink(Connection* connection) : side_(connection) {}
  BackendLink(const BackendLink&) = delete;
  BackendLink& operator=(const BackendLink&) = delete;

  // Tries backends until a connect is under way or none is left. The link must be closed. For
  // `client_hash` see ThreadRule::Choose.
  Progress ConnectNext(ThreadRule& rule, ThreadContext& context, uint64_t client_hash);
  // Says how the connect under way stands, after an event.
  Progress Check();
  // The connect under way is done: counts one that was slow as a failure. Nothing more that becomes
  // of this backend's socket counts then, for or against the backend.
  void NoteConnected(ThreadRule& rule, Instant now);
  // Tell outlier detection that the backend answered or kept the connection, and that it failed.
  void NoteAnswer(ThreadRule& rule) {
    if (!slow_) rule.NoteAnswer(backend_);
  }
  void NoteFailure(ThreadRule& rule, ConnectFailure failure, Instant now) {
    if (!slow_) rule.NoteFailure(backend_, failure, now);
  }
  // Ends the connect under way for this reason: counts it, closes the socket, returns the slot.
  void Fail(ThreadRule& rule, ConnectFailure failure, Instant now, Blame blame = Blame::kBackend);
  // Closes the socket and returns the slot, if there are any.
  void Close(ThreadRule& rule);

  // Why no backend was found. After kExhausted.
  RefuseReason refusal() const;
  // True when one would do but is at its limit. After kExhausted.
  bool at_limit() const { return at_limit_; }
  // What the connect failed with. After Check() said kExhausted.
  ConnectFailure failure() const { return failure_; }

  Side& side() { return side_; }
  const Side& side() const { return side_; }
  // True from choosing a backend to closing its socket.
  bool open() const { return open_; }
  size_t backend() const { return backend_; }
  const TriedBackends& tried() const { return tried_; }
  // The rule is another one now, with other numbers for its backends, or one of them recovered.
  void ForgetTried() { tried_ = TriedBackends(); }

 private:
  Dialed Dial(ThreadRule& rule, ThreadContext& context);

  Side side_;
  Instant dialed_at_{};
  uint32_t backend_ = 0;  // Index in the rule's table.
  bool open_ = false;     // Holds a slot.
  bool at_limit_ = false;
  bool slow_ = false;  // It took too long to connect.
  ConnectFailure failure_ = ConnectFailure::kOther;
  TriedBackends tried_;
};

}  // namespace lb::dataplane
