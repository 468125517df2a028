// Carries out StartProbe: many health checks at once, each with its own deadline.
//
// A check never waits for another backend: every one gets a socket of its own. Only when
// `max_in_flight` sockets are open (a bound that keeps descriptors for the rest of the program) do
// further checks wait, first come first served; their timeout counts from their start, so that a
// shortage here stretches the interval and fails nobody. Threading: the io_context's one thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "base/metrics.h"
#include "controlplane/loop/action.h"
#include "controlplane/shell/event_sink.h"

namespace lb::controlplane {

class Prober final {
 public:
  // Descriptors left to everything but checks: APIs, pages, DNS, files.
  static constexpr size_t kReservedDescriptors = 2'000;
  // At least so many checks at once, even with few descriptors.
  static constexpr size_t kMinInFlight = 64;
  // How soon a check is tried again for which there was no descriptor.
  static constexpr std::chrono::milliseconds kRetryPause{100};

  // Returns the bound for a process that may open `descriptors` files.
  static size_t MaxInFlight(size_t descriptors);

  Prober(boost::asio::io_context& io, size_t max_in_flight, EventSink sink);
  ~Prober();

  // Exactly one ProbeDone follows for each call, unless the prober is destroyed before.
  void Start(StartProbe request);

  size_t in_flight() const;
  size_t waiting() const;

  // Appends lb_health_probes_in_flight, _waiting and the total of local shortages.
  void AppendMetrics(std::vector<MetricFamily>& families) const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lb::controlplane
