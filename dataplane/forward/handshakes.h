// The TLS handshakes under way on one I/O thread: whose turn it is, and who gives way.
//
// A handshake costs as much as passing on hundreds of messages, so a turn of the loop takes a few
// steps of them only, after its established connections were served; those towards backends come
// first, because a client that is through waits for each. A new client's handshake beyond the bound
// takes the place of the oldest one. Threading: its I/O thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>

#include "base/time.h"

namespace lb::dataplane {

class Connection;
class Handshake;

class Handshakes final {
 public:
  // Steps in one turn of the loop: 1 ms with P-256 keys; fewer where a key is slow.
  static constexpr int kMaxSteps = 8;
  static constexpr Duration kMaxTime = std::chrono::milliseconds(1);
  // Clients' handshakes at once in one worker; each holds some 40 KiB while it waits for the
  // client.
  static constexpr size_t kMaxInWorker = 4096;

  // One of `threads` threads.
  explicit Handshakes(size_t threads) : max_clients_(kMaxInWorker / threads) {}

  // The client whose handshake began first, when there are too many; else nullptr.
  Connection* Overdue() const;
  // True when a step is due.
  bool due() const { return !due_backends_.empty() || !due_clients_.empty(); }
  // Lets connections whose turn it is take a step: one at least, and others as long as `clock`, a
  // function that returns an Instant, is not beyond kMaxTime.
  template <typename Clock>
  void RunSome(const Clock& clock) {
    if (!due()) return;
    const Instant end = clock() + kMaxTime;
    int steps = 0;
    do RunNext();
    while (++steps < kMaxSteps && due() && clock() < end);
  }

 private:
  friend class Handshake;
  using List = std::list<Handshake*>;

  void RunNext();

  const size_t max_clients_;
  List clients_;  // Oldest first.
  List due_clients_;
  List due_backends_;
};

// One handshake, from its beginning to its end.
class Handshake final {
 public:
  enum class Peer : uint8_t { kClient, kBackend };

  Handshake(Handshakes& all, Connection* owner, Peer peer);
  ~Handshake();
  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;

  // There is something to do: its owner gets its turn.
  void Due();

 private:
  friend class Handshakes;

  Handshakes::List& DueList() {
    return peer_ == Peer::kClient ? all_.due_clients_ : all_.due_backends_;
  }

  Handshakes& all_;
  Connection* const owner_;
  const Peer peer_;
  bool due_ = false;
  Handshakes::List::iterator place_;      // Of a client's.
  Handshakes::List::iterator due_place_;  // While due.
};

}  // namespace lb::dataplane
