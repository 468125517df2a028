// What a program tells its service manager while it runs, each thing when it is due: ready,
// reloading, stopping, a line of status, and that it is alive.
//
// A word that the manager did not take is said again at the next step. Time is an argument.
// Threading: none.
#pragma once

#include <string>

#include "base/sd_notify.h"
#include "base/time.h"

namespace lb {

class ServiceReports final {
 public:
  // The status line is told at most this often but for the moment of Ready(), and only when it is
  // another one.
  static constexpr Duration kStatusInterval = std::chrono::seconds(1);
  // While the program stops it asks for kExtension more each kExtensionInterval, so that only one
  // that hangs is ended by the manager's own limit.
  static constexpr Duration kExtensionInterval = std::chrono::seconds(1);
  static constexpr Duration kExtension = std::chrono::seconds(10);

  struct State {
    bool ready = false;     // Does its work. Told once; a later false changes nothing.
    bool stopping = false;  // Ends, and does not come back.
    std::string status{};   // One line for people.
  };

  // `manager` outlives this; nullptr: nobody is told.
  explicit ServiceReports(const SdNotify* manager) : manager_(manager) {}

  // False when Step and Alive do nothing: no need to call them.
  bool present() const { return manager_ != nullptr && manager_->present(); }

  // Tells what is new in `state`; call it several times a second, and at each change of the flags.
  void Step(const State& state, Instant now);

  // Every loop of the program answered just now. Call it once a second or more often.
  void Alive(Instant now);

  // Around a reload. The end is told by Step.
  void ReloadBegins(Instant now);
  void ReloadEnds() { reloading_ = false; }

 private:
  const SdNotify* manager_;
  bool told_ready_ = false;
  bool told_stopping_ = false;
  bool reloading_ = false;
  std::string told_status_;
  Instant next_status_;
  Instant next_extension_;
  Instant next_watchdog_;
};

}  // namespace lb
