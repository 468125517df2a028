// Carries out WatchServices: one watch for each Service, whatever ports of it are in use.
// Threading: the io_context's one thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/metrics.h"
#include "controlplane/loop/action.h"
#include "controlplane/shell/event_sink.h"

namespace lb::controlplane {

class KubernetesClient final {
 public:
  // `seed`: of the waits between tries.
  KubernetesClient(boost::asio::io_context& io, uint64_t seed, EventSink sink);
  ~KubernetesClient();

  // Watches these Services from now on. Watches that go on are not disturbed; what they know is
  // told again.
  void Set(WatchServices wanted);

  void AppendMetrics(std::vector<MetricFamily>& families) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lb::controlplane
