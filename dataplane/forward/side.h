// One socket of a connection and what its edge-triggered events said so far.
//
// A socket is put into the epoll set once, for all events, and stays until it is closed. An edge is
// told only once, so it is kept here until a system call proves it is used up. epoll(7).
// Threading: its I/O thread only.
#pragma once

#include <sys/epoll.h>

#include <cstdint>

#include "base/unique_fd.h"

namespace lb::dataplane {

class Connection;

// What an event of the epoll set belongs to.
struct EventSource {
  enum class Kind : uint8_t { kListener, kSide, kInbox };
  explicit EventSource(Kind source_kind) : kind(source_kind) {}

  const Kind kind;
};

// Whether TCP may hold a small packet back while an earlier small one is not acknowledged. The
// first send never meets that, and many connections send only once, so TCP_NODELAY waits for the
// second.
enum class Nagle : uint8_t {
  kOff,    // TCP_NODELAY is set, or it is no TCP socket.
  kFresh,  // On; nothing was sent yet.
  kSent,   // On; the next send turns it off.
};

struct Side : EventSource {
  // EPOLLRDHUP, because a FIN that comes with data is told by nothing else when a short read ends
  // the reading; EPOLLPRI, because recv(2) stops before an urgent byte with a short read.
  static constexpr uint32_t kEvents =
      EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | static_cast<uint32_t>(EPOLLET);

  // `connection` is told of the events; it may be nullptr when the side is in no epoll set.
  explicit Side(Connection* connection) : EventSource(Kind::kSide), owner(connection) {}

  // Keeps what an event says.
  void Note(uint32_t events) {
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable = true;
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) writable = true;
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)) != 0) read_to_end = true;
    if ((events & EPOLLRDHUP) != 0) fin_arrived = true;
    if ((events & EPOLLPRI) != 0) stops_short = true;
    if ((events & EPOLLHUP) != 0) hung_up = true;
    if ((events & EPOLLERR) != 0) reset = true;
  }

  // Call before a send, unless Nagle is off.
  void NextSend();

  // Forgets everything; for a new socket.
  void Clear() {
    readable = writable = read_to_end = fin_arrived = stops_short = hung_up = reset = false;
    unsent_bounded = false;
    nagle = Nagle::kOff;
  }

  // The socket is a unix one: reads stop short where descriptors are passed (unix(7)).
  void NoteUnix() { read_to_end = stops_short = true; }

  // True when a short read that succeeds now has read everything, up to the FIN.
  bool ShortReadIsLast() const { return fin_arrived && !stops_short && !reset; }

  // Puts the socket into the set. Returns 0 or an errno.
  int Watch(int epoll_fd);

  Connection* owner;
  UniqueFd fd;
  bool readable = false;
  bool writable = false;
  bool read_to_end = false;  // A short read does not mean that there is no more.
  bool fin_arrived = false;  // All that the peer sent is here.
  bool stops_short = false;  // A read may leave what is there: before an urgent byte.
  bool hung_up = false;      // Both directions have ended.
  Nagle nagle = Nagle::kOff;
  bool unsent_bounded = false;  // See BoundUnsent.
  bool reset = false;           // The connection failed: reset by the peer, or timed out.
};

}  // namespace lb::dataplane
