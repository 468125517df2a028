// Follows lb.yaml: posts ConfigRead when its content changed, and on Reload() in any case.
//
// The folder is watched, so that a rename over the file and Kubernetes' swap of the "..data" link
// are seen; a poll catches what inotify misses. A file that is being written is read when its
// writer closes it. Reading and parsing run in one helper thread, one at a time; what happens
// meanwhile leads to one more read. Threading: the io_context's one thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "controlplane/shell/event_sink.h"

namespace lb::controlplane {

class ConfigSource final {
 public:
  struct Options {
    std::string path;
    std::string digest;  // ConfigFileRead::digest of what is in force; empty: post the first read.
    // How long the file must be quiet before it is read: writers and link swaps take a few steps.
    std::chrono::milliseconds quiet{200};
    // A file that is written for longer is read half-written, and once more when it is closed.
    std::chrono::milliseconds max_wait{5'000};
    std::chrono::milliseconds poll{30'000};
  };

  ConfigSource(boost::asio::io_context& io, Options options, EventSink sink);
  // Waits for a read that is under way.
  ~ConfigSource();

  // Starts to watch. Without inotify (limits) it logs a warning and polls.
  void Start();

  // Reads now and posts, also when nothing changed: SIGHUP.
  void Reload();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lb::controlplane
