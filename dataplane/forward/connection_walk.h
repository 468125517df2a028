// A walk over the connections of all I/O threads that are open when it begins: to list those that
// match, or to reset them, a few at a time.
//
// Each thread looks at kVisits connections in one turn of its loop, and resets kKills at most, so
// that traffic never waits long for a walk. Connections accepted later are not met; those that end
// meanwhile are stepped over. Threading: as each method says.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cidr.h"
#include "base/mutex.h"
#include "base/time.h"
#include "dataplane/tls/facts.h"

namespace lb::dataplane {

class Connection;
struct ThreadContext;

// Picks connections: those that match all of what is set.
struct ConnectionFilter {
  std::string rule;
  std::string backend;  // Also picks NAME@IP:PORT, the addresses of a DNS name.
  std::optional<Cidr> client;
  uint64_t drain = 0;  // Of backends whose BackendState::drain is this one; 0: of any.
};

// One open connection, for people.
struct ConnectionInfo {
  std::string rule;
  std::string backend;  // Empty: none yet, like its address.
  std::string client;
  std::string listen;
  std::string backend_address;
  Duration age{};
  Duration idle{};
  uint64_t received_bytes = 0;  // From the client.
  uint64_t sent_bytes = 0;      // To the client.
  std::string proxy_tlvs;       // Of the client's PROXY header, see dataplane/proxy/tlv.h.
  tls::Facts tls;
};

class ConnectionWalk final : public std::enable_shared_from_this<ConnectionWalk> {
 public:
  static constexpr int kVisits = 128;
  // A reset of both sides takes some 15 us, in the kernel: half a millisecond together.
  static constexpr int kKills = 32;

  enum class Task : uint8_t { kList, kKill };

  // A walk over `threads` threads. `limit`: most connections that are described by kList.
  ConnectionWalk(Task task, ConnectionFilter filter, size_t limit, size_t threads);

  // Any thread: `count` more may be killed, now or when they are met.
  void Allow(uint64_t count) { allowed_.fetch_add(static_cast<int64_t>(count)); }
  // Any thread: each thread ends the walk when it is run there next.
  void Stop() { stopped_.store(true); }
  // Any thread.
  bool done() const { return threads_left_.load() == 0; }
  uint64_t matching() const { return matching_.load(); }  // Met so far; killed, of a kKill.
  std::vector<ConnectionInfo> TakeFound();

  // I/O thread: begins, or goes on after Allow.
  void Run(ThreadContext& context);
  // I/O thread: `connection` leaves the list of its thread, `next` follows it there.
  void OnLeaving(const ThreadContext& context, const Connection* connection, Connection* next);

 private:
  // Where the walk is on one thread; touched by that thread only.
  struct Place {
    Connection* next = nullptr;
    bool begun = false;
    bool done = false;
    bool posted = false;  // It goes on by itself.
    uint64_t killed = 0;
  };

  void Step(ThreadContext& context, Place& place);
  bool Visit(Connection& connection, Place& place);
  bool MayKill();
  void Finish(ThreadContext& context, Place& place);

  const Task task_;
  const ConnectionFilter filter_;
  const size_t limit_;
  std::vector<Place> places_;
  std::atomic<size_t> threads_left_;
  std::atomic<uint64_t> matching_{0};
  std::atomic<int64_t> allowed_{0};
  std::atomic<bool> stopped_{false};
  Mutex mutex_;
  std::vector<ConnectionInfo> found_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lb::dataplane
