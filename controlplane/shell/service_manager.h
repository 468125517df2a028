// Tells the service manager how the control plane does (ServiceReports), from a timer of its own
// loop: a loop that hangs feeds no watchdog. Threading: the io_context's one thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>

#include "base/sd_notify.h"
#include "base/service_reports.h"

namespace lb::controlplane {

class ServiceManager final {
 public:
  // A few times within the shortest watchdog that makes sense; a status line waits this long.
  static constexpr std::chrono::milliseconds kTick{500};

  // `manager` and `state` outlive this; nullptr: nobody is told.
  ServiceManager(boost::asio::io_context& io, const SdNotify* manager,
                 std::function<ServiceReports::State()> state);

  // Begins to report.
  void Start() { Tick(); }

  // Tells now what is new, and goes on with that every kTick.
  void Changed();

  // Around a reload that was asked for.
  void ReloadBegins();
  void ReloadEnds();

 private:
  void Tick();

  ServiceReports reports_;
  const std::function<ServiceReports::State()> state_;
  boost::asio::steady_timer timer_;
};

}  // namespace lb::controlplane
