// Taking this worker out of service: stop accepting, let connections end, close the rest.
//
// A drain ends when no connection is left, or at its timeout when what is left has been closed. One
// ordered by a command can be taken back, one ordered by a signal ends with the process, and one
// for a process that took our place lasts as long as that lives. A command is carried out at most
// once, however often it is sent. Threading: the control thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "base/time.h"
#include "dataplane/control/traffic.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::dataplane {

class Drainer final {
 public:
  static constexpr Duration kStatusInterval = std::chrono::seconds(1);
  // After closing all connections their sockets are gone within a turn of each loop; what is
  // still counted after this long is not waited for.
  static constexpr Duration kCloseGrace = std::chrono::seconds(5);
  static constexpr std::chrono::seconds kDefaultTimeout{30};
  static constexpr std::chrono::seconds kMaxTimeout{7 * 24 * 3600};
  // Ids remembered to carry out a command at most once; a control plane repeats recent ones only.
  static constexpr size_t kMaxRememberedCommands = 256;
  static constexpr size_t kMaxCommandIdBytes = 255;

  // `traffic` outlives the drainer.
  explicit Drainer(Traffic& traffic) : traffic_(traffic) {}

  // Carries out a command unless it was before. InvalidArgument: it is not one of the contract's.
  absl::Status Take(const lb::worker::v1::Command& command, Instant now);

  // Drains for good: no command takes it back.
  void DrainToExit(Duration timeout, Instant now);

  // Another process serves in our place: stops accepting, and closes what is still open after
  // `timeout`; nullopt: never. Commands change nothing until StandIn, which is for when that
  // process is gone.
  void StandAside(std::optional<Duration> timeout, Instant now);
  void StandIn(Instant now);
  bool aside() const { return aside_; }

  // Goes on with a drain; call it several times a second.
  void Step(Instant now);

  // What to tell about the newest command: at most one message per kStatusInterval, and one when
  // it is done. A drain without a command is told, too, and a refused undrain at once.
  std::optional<lb::worker::v1::ConnectRequest> Status(Instant now);

  bool draining() const { return phase_ != Phase::kServing; }
  // True when a drain is over: nothing is accepted and nothing is open.
  bool drained() const { return phase_ == Phase::kDrained; }

 private:
  enum class Phase { kServing, kDraining, kClosing, kDrained, kResuming };

  bool IsNew(const std::string& id);
  void Begin(Duration timeout, Instant now);
  void Resume();
  lb::worker::v1::ConnectRequest Message(bool done) const;

  Traffic& traffic_;
  Phase phase_ = Phase::kServing;
  bool to_exit_ = false;
  bool aside_ = false;
  uint64_t closed_ = 0;  // Connections that the running drain closed at its timeout.
  Instant deadline_;     // Of kDraining: when the rest is closed; of kClosing: when it is over;
                         // of kResuming: when to try again.
  std::deque<std::string> commands_;
  std::string reported_command_;  // Empty: nothing to tell, unless the process ends.
  std::string refused_command_;   // Not told yet; empty: none.
  Instant next_status_;
};

}  // namespace lb::dataplane
