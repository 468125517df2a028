// Follows lb.yaml and the files of TLS that it names: posts ConfigRead when a content changed, and
// on Reload() in any case. Checks and writes new contents for the API (Try), and keeps the contents
// of revisions.
//
// The folders are watched, so that a rename over a file and Kubernetes' swap of the "..data" link
// are seen; a poll catches what inotify misses. A certificate and its key are renewed one after the
// other: what does not fit together is told only when it stays so for `settle`. A file that is
// being written is read when its writer closes it. Reading and parsing run in one helper thread,
// one at a time, writes before contents that are only looked at; what happens meanwhile leads to
// one more read. Threading: the io_context's one thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "controlplane/loop/action.h"
#include "controlplane/shell/event_sink.h"
#include "controlplane/shell/file_stamps.h"

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
    // How long renewed files of TLS may be no good before that is posted, and how often they are
    // looked at meanwhile.
    std::chrono::milliseconds settle{5'000};
    std::chrono::milliseconds settle_look{500};
    std::string revisions_folder;  // Of RevisionStore.
    // Called in the helper thread before the file is written; an error keeps it from that.
    std::function<absl::Status()> before_write{};
    // Called when what Reload() asked for was read and posted; once where several calls met.
    std::function<void()> on_reloaded{};
  };

  ConfigSource(boost::asio::io_context& io, Options options, EventSink sink);
  // Waits for a read that is under way.
  ~ConfigSource();

  // Folders that are watched; what lies in more of them is polled.
  static constexpr size_t kMaxFolders = 1'000;

  // Starts to watch. Without inotify (limits) it logs a warning and polls. `in_force` was read
  // before, with the files of TLS as they were then.
  void Start(const ConfigRead& in_force = {}, FileStamps stamps = {});

  // Reads now and posts, also when nothing changed: SIGHUP.
  void Reload();

  // Carry out what the loop wants, one after the other and never beside a read.
  void Try(TryConfig action);
  void Keep(KeepRevision action);
  void Drop(DropRevision action);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lb::controlplane
