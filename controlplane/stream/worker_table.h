// Every worker process that is known: connected, or gone from its stream but perhaps alive.
//
// A process is known by (id, incarnation). A record lives until its stream and its process have
// both ended, since until then the process may hold connections. Threading: none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "controlplane/loop/ids.h"
#include "controlplane/stream/config_lane.h"
#include "controlplane/stream/worker_key.h"
#include "lb/type/v1/type.pb.h"

namespace lb::controlplane {

struct WorkerRecord {
  type::v1::ProcessIdentity identity;
  std::optional<SessionId> session;  // Set while connected.
  ConfigLane lane{std::nullopt};
  uint64_t start_ticks = 0;  // Of the process, see WatchProcess; 0: not known.
  bool process_gone = false;
  std::vector<std::string> took_over{};  // Incarnations that it says it took over from.
  uint64_t hello_order = 0;              // Of the newest hello; 0: known from the state file only.
  Instant last_seen;
  bool silent = false;  // Connected, and nothing came for kSilentAfter: it hangs, or is stopped.
  // Until then a worker that serves nothing yet is not sent a snapshot while it has no slots.
  std::optional<Instant> await_slots_until;
  bool draining = false;
  bool ending = false;  // It drains because its process ends: no order takes that back.
  // It said, in its hello or since the order, that it drains: what it counts then only goes down.
  bool drain_begun = false;
  bool drained = false;  // And that nothing is open any more.
  // The version that it ran when it sent its newest statistics.
  std::optional<type::v1::ConfigVersion> counted;
  uint32_t threads = 0;
  // That it was started with; unspecified: an older worker.
  type::v1::LogLevel log_level = type::v1::LOG_LEVEL_UNSPECIFIED;
  std::vector<std::string> missing_features{};  // Of kFeatures, those that its hello did not name.

  bool Knows(std::string_view feature) const {
    return std::find(missing_features.begin(), missing_features.end(), feature) ==
           missing_features.end();
  }
};

class WorkerTable final {
 public:
  // Most worker processes of one host; a limit on what a client of the socket can make us keep.
  static constexpr size_t kMaxWorkers = 1024;
  // How long a new worker may be kept from serving because others have yet to give up slots. They
  // answer within milliseconds; one that does not must not keep rules without a limit waiting.
  static constexpr std::chrono::milliseconds kAwaitSlots{1'000};
  // A worker that says nothing for this long is silent: five times the interval of its statistics.
  static constexpr std::chrono::seconds kSilentAfter{5};
  // A worker whose stream ended is waited for this long: the longest wait of a worker between two
  // tries to connect.
  static constexpr std::chrono::seconds kComesBackWithin{15};

  // Adds a worker known from the state file. Ignored when the table is full.
  void Restore(const WorkerKey& key, uint32_t pid, uint64_t start_ticks, Instant now);

  // Makes `session` the worker's stream. Returns nullptr when the table is full. `replaced` is set
  // to the stream of the same process that this one takes the place of.
  WorkerRecord* Connect(SessionId session, const worker::v1::Hello& hello, Instant now,
                        std::optional<SessionId>& replaced);

  // The worker of a stream, or nullptr.
  WorkerRecord* FindSession(SessionId session);
  // The key of the worker of a stream. Requires FindSession(session).
  const WorkerKey& KeyOf(SessionId session) const { return sessions_.at(session); }
  const WorkerRecord* Find(const WorkerKey& key) const;
  // The newest process of that id, or nullptr.
  const WorkerRecord* FindNewest(const std::string& id) const;

  // Ends a stream, and its worker when the process is gone too. Returns the key of a worker that
  // was dropped.
  std::optional<WorkerKey> Disconnect(SessionId session);

  // Notes the end of a process. Returns the keys of workers that were dropped.
  std::vector<WorkerKey> ProcessGone(uint32_t pid, uint64_t start_ticks);
  // The pid of `by`, which was seen to be its own, is no older process's any more. Returns the keys
  // of workers that were dropped. Without a pid (another host's process) it takes the place of
  // older processes of its name that are not connected.
  std::vector<WorkerKey> PidTaken(const WorkerKey& by);

  const std::map<WorkerKey, WorkerRecord>& workers() const { return workers_; }
  // A process ended without saying so before.
  void NoteLost(const std::string& id, Instant now);
  // When the last of that name did, of names that did not come back since. At most kMaxWorkers.
  const std::map<std::string, Instant>& lost() const { return lost_; }
  // Connected workers, by stream.
  const std::map<SessionId, WorkerKey>& sessions() const { return sessions_; }
  WorkerRecord& At(const WorkerKey& key) { return workers_.at(key); }

 private:
  // Notes the end of the processes that `ended` picks. Returns the keys of dropped workers.
  template <typename Predicate>
  std::vector<WorkerKey> End(Predicate ended);

  std::map<WorkerKey, WorkerRecord> workers_;
  std::map<SessionId, WorkerKey> sessions_;
  std::map<std::string, Instant> lost_;
  uint64_t next_hello_ = 1;
};

}  // namespace lb::controlplane
