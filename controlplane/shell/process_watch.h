// Carries out WatchProcess: tells when a process of this host ends, by pidfd (pidfd_open(2)).
//
// Where no pidfd can be had (no descriptor left), /proc is looked at every kPollInterval instead;
// the start time of the process tells it from a later one with the same pid. Threading: the
// io_context's one thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <memory>

#include "controlplane/loop/action.h"
#include "controlplane/shell/event_sink.h"

namespace lb::controlplane {

class ProcessWatch final {
 public:
  // Processes watched by pidfd, one descriptor each; any further one is polled.
  static constexpr size_t kMaxDescriptors = 1'024;
  static constexpr std::chrono::milliseconds kPollInterval{1'000};

  // `max_descriptors` is at most kMaxDescriptors; 0 polls only.
  ProcessWatch(boost::asio::io_context& io, size_t max_descriptors, EventSink sink);
  ~ProcessWatch();

  // One ProcessGone with the same values follows when the process ends, at once when there is none
  // or one that started at another time. Watching what is watched already changes nothing.
  void Watch(const WatchProcess& watch);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lb::controlplane
