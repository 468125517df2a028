// What a worker runs with, in a file beside the worker API: a process that starts while no control
// plane can be reached, and has no running one of its id to ask, serves from it. That is one after
// a crash, or after a stop.
//
// Kept only in a file system in memory, since it holds private keys, and so gone with the host's
// next start. Mode 0600. It may be removed at any time. Threading: the control thread; a write
// takes as long as a copy of the snapshot in memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/endpoint.h"
#include "base/time.h"
#include "dataplane/control/keepsake.h"

namespace lb::dataplane {

class SnapshotFile final {
 public:
  // Written at most this often: health may change at each check.
  static constexpr Duration kInterval = std::chrono::seconds(5);
  // A control plane that starts beside its worker, as at `systemctl restart lb.target`, is waited
  // for: what it sends is newer.
  static constexpr Duration kUsedAfter = std::chrono::seconds(2);

  // `keepsake` outlives it. Nothing is read or written yet.
  SnapshotFile(std::string path, Keepsake& keepsake, Instant started)
      : path_(std::move(path)), keepsake_(keepsake), started_(started) {}

  // Writes what is in force when it is another than the file has; call it several times a second.
  // What the system refuses is logged once, and tried again at the next change.
  void Step(Instant now);

  // Puts the file's content in force, if kUsedAfter has passed, and it is there and only this user
  // could have written it. The outcome is logged, a failure once. Call it again after one: a port
  // may be free then.
  void Restore(Instant now);

 private:
  absl::Status Write(const std::string& content) const;
  absl::StatusOr<std::string> Read() const;

  const std::string path_;
  Keepsake& keepsake_;
  const Instant started_;
  Instant next_write_;
  uint64_t written_ = 0;  // Keepsake::changes() then.
  bool write_failure_told_ = false;
  bool read_failure_told_ = false;
};

// Where it is: "/run/lb/worker-ID.snapshot" for "unix:/run/lb/worker.sock", or for a control plane
// behind TCP.
std::string SnapshotPath(const Endpoint& control, const std::string& id);

}  // namespace lb::dataplane
