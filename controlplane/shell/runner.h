// Owns the ControlLoop: feeds it events one at a time, hands its actions on in order, and keeps one
// timer at its next deadline. Threading: Post() from any thread; the rest on the io_context's one.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/time.h"
#include "controlplane/loop/action.h"
#include "controlplane/loop/control_loop.h"
#include "controlplane/loop/event.h"

namespace lb::controlplane {

class Runner final {
 public:
  // Carries one action out without blocking. Events that follow from it are posted.
  using CarryOut = std::function<void(Action action)>;

  Runner(boost::asio::io_context& io, CarryOut carry_out);
  // Events still under way are dropped.
  ~Runner();

  // Makes the loop and carries out what it wants at once. Once.
  void Start(ControlLoop::Options options);

  // Handles `event` soon, in the order of the calls.
  void Post(Event event);

  // Handles nothing any more: what ends because the process ends is no news to be stored.
  void Stop();

  // Calls `when_ready` once, as soon as a configuration is in force. Before Start.
  void WhenReady(std::function<void()> when_ready);

  // Whether a configuration is in force.
  bool ready() const;

  // How it stands, one line for people: ControlLoop::Summary; empty before Start.
  std::string Summary() const;

  // The loop's metrics, and lb_loop_events_total and lb_loop_busy_seconds_total.
  std::vector<MetricFamily> Metrics(const ClockReading& clock) const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lb::controlplane
