// One client's connection: connecting to a backend, then relaying both ways until both ended.
//
//   reading its PROXY header --read--> connecting; --bad, late--> closed
//   handshaking, with TLS, before connecting --done--> connecting; --failed, late--> closed
//
//   connecting --connected--> relaying --both FINs, reset, timeout, drain--> closed
//     |   ^  \--no backend left, client gone--> closed
//     |   +--backend reset before any byte, where outliers are detected (from relaying)
//     |   +--called--+
//     +--all full--> waiting --too long, client gone--> closed
//
// Connecting includes the TLS handshake with the backend, where there is one. A FIN is passed on as
// a FIN, a reset as a reset, and TLS's close_notify is a FIN (see pump_tls.h). A connection that is
// not ended by its peers (a timeout, a drain) is reset on both sides: a FIN would look like a
// complete answer. It owns itself: closed connections are destroyed at the end of the loop's turn.
// Threading: its I/O thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/endpoint.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "dataplane/forward/access_notes.h"
#include "dataplane/forward/backend_link.h"
#include "dataplane/forward/connection_walk.h"
#include "dataplane/forward/pump.h"
#include "dataplane/forward/side.h"
#include "dataplane/forward/thread_context.h"
#include "dataplane/forward/thread_rule.h"
#include "dataplane/forward/throttle.h"
#include "dataplane/forward/timer_wheel.h"
#include "dataplane/forward/waiting.h"
#include "dataplane/limit/client_connections.h"
#include "dataplane/proxy/header.h"
#include "dataplane/snapshot/live_state.h"
#include "dataplane/tls/facts.h"

namespace lb::dataplane {

class ListenerSet;
struct TlsEnds;

class Connection final : private Timer {
 public:
  // Takes an accepted client: begins to connect, or refuses it with a reset and counts why.
  // `client_hold`: what is counted of its client so far; nullptr: nothing, or not yet.
  static void Start(ThreadContext& context, RuleLease rule, UniqueFd client,
                    std::unique_ptr<ClientConnections::Hold> client_hold);

  // Destroys those closed in this turn; at its end, when nothing names them any more.
  static void DestroyClosed(ThreadContext& context);
  // Closes every connection of the thread.
  static void CloseAll(ThreadContext& context, CloseReason reason);
  // The connection a timer belongs to.
  static Connection& Of(Timer& timer) { return static_cast<Connection&>(timer); }

  // An event of one of its sockets.
  void OnEvents(Side& side, uint32_t events);
  // Its turn came again after it used up its rounds.
  void OnRunAgain();
  // Its timer fired.
  void OnTimer();
  // A bandwidth limit may let it go on.
  void OnPaced();
  // A backend that it waits for may have a slot.
  void OnCalled(const ListenerSet& listeners);
  // Its TLS handshake may take a step.
  void OnHandshakeTurn();

  // For a ConnectionWalk. The next older one of the thread, or nullptr.
  Connection* next() const { return next_; }
  bool Matches(const ConnectionFilter& filter) const;
  ConnectionInfo Describe() const;
  // Who the client is: what its PROXY header says, where there is one, else its socket's peer.
  // Length 0 when the socket has failed.
  SocketAddress ClientAddress() const;
  // Resets both sides, counted as `reason`.
  void Kill(CloseReason reason);

 private:
  enum class State : uint8_t {
    kReadingHeader,
    kHandshaking,
    kReadingHello,
    kConnecting,
    kWaiting,
    kRelaying,
    kClosed
  };

  Connection(ThreadContext& context, RuleLease rule, UniqueFd client,
             std::unique_ptr<ClientConnections::Hold> client_hold);
  ~Connection();

  void Begin();
  void ReadHeader();
  // Ends TLS for the client first, where the rule says so.
  void Secure();
  void StepClientHandshake();
  // Learns from its ClientHello which route takes it.
  void AwaitHello();
  void ReadHello();
  void TakeRoute();
  // Goes on with newer tables of its rule while it waits; false when these refused it.
  bool FollowRule(RuleLease rule);
  // True when newer tables of its rule would have it wait elsewhere, or for other backends.
  bool HasOldRoute() const;
  void FailHandshake(HandshakeFailure failure, RefuseReason reason);
  void EndHandshake();
  void Admit();
  void ConnectNext();
  // By which the client is sent to a backend.
  uint64_t ClientHash() const;
  void Wait();
  bool EnterQueue();
  void EndWaiting();
  void OnConnectEvent();
  // Begins TLS with the backend, where the rule says so.
  void Connected();
  // True while the handshake with the backend is under way.
  bool Secures() const;
  void StepBackendHandshake();
  // The connect under way failed, at its end or in the handshake: on to the next backend.
  void FailConnect(ConnectFailure failure);
  void ForgetBackendTls();
  tls::Facts TlsFacts() const;
  // The name that the client asked for in its TLS; empty: none.
  std::string ClientName() const;
  // The name that its backend's TLS is asked for, and its certificate must have.
  std::string NameForBackend() const;
  void Established();
  // What a PROXY header tells the backend; empty: nothing, nullopt: the client is gone.
  std::optional<std::string> HeaderForBackend() const;
  bool QueueHeader();
  void Relay();
  Pumped PumpUp();
  Pumped PumpDown();
  void StartThrottle();
  // Keeps to what limits its bandwidth now, instead of what did when it began.
  void FollowBandwidth();
  void EndThrottle();
  template <typename PumpWith>
  Pumped Paced(Throttle::Way& way, const PumpWith& pump);
  void Count(const Pumped& up, const Pumped& down);
  void OnReset(const Pumped& up, const Pumped& down);
  void NoteTruncation(bool was_half_closed, const Pumped& up, const Pumped& down);
  bool MustReset() const;
  // Whether the backend reset it before anything was passed on, so that another one may do.
  bool MayTryElsewhere() const;
  void TryElsewhere();
  // Counts a reset that nobody can hide from the client, where it says something of the backend.
  void NoteBackendReset();
  // Counts a connection without an answer that its backend kept all the same.
  void NoteBackendKept();
  void RunAgainLater();
  Duration Timeout() const;
  void ArmTimeout();
  bool HalfClosed() const { return up_.ended != down_.ended; }
  void Refuse(RefuseReason reason);
  // Ends it. Sides that did not fail themselves get a reset, unless the reason is kNormal, or
  // kTlsTruncated with TLS at the end that would be misled.
  void Close(CloseReason reason);
  void CloseSockets(bool with_reset);
  // Tells the access log how it ended; before its sockets are closed.
  void LogEnd(const char* reason);
  AccessRecord::Phase ReachedPhase() const;

  ThreadContext& context_;
  RuleLease rule_;
  Side client_;
  BackendLink link_;
  Direction up_;    // From the client to the backend.
  Direction down_;  // From the backend to the client.
  const Instant started_at_;
  Instant moved_at_;                             // When something moved last.
  uint64_t received_bytes_ = 0;                  // From the client.
  uint64_t sent_bytes_ = 0;                      // To the client.
  std::unique_ptr<Waiting> waiting_;             // From entering the queue until it is connected.
  std::unique_ptr<const proxy::Header> header_;  // The client's; with its extensions.
  std::unique_ptr<TlsEnds> tls_;                 // Of an end that speaks TLS.
  std::unique_ptr<AccessNotes> notes_;           // While the access log is on.
  std::unique_ptr<Throttle> throttle_;           // Where a bandwidth limit counts.
  uint32_t bandwidth_generation_;                // Of what it keeps to.
  // Where the connections of its client are counted.
  std::unique_ptr<ClientConnections::Hold> client_hold_;
  Connection* next_ = nullptr;
  Connection* previous_ = nullptr;
  State state_ = State::kConnecting;
  bool runs_again_ = false;
  bool keepalive_ = false;  // Towards the backend.
  bool answered_ = false;   // The backend sent something.
  bool leaves_ = false;     // The backend, in the next turn.
};

}  // namespace lb::dataplane
