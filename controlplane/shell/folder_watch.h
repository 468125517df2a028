// Tells what happens to the entries of a few folders, by inotify(7).
//
// inotify tells of local changes only (not of a network file system's other clients) and its queue
// can overflow, so users need a slow poll beside it. Threading: the io_context's one thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace lb::controlplane {

class FolderWatch final {
 public:
  enum class Change {
    kSettled,  // Renamed here, removed, or closed after writing.
    kCreated,  // A new entry; a file may still be empty.
    kWriting,  // Being written; kSettled follows when the writer closes it.
    kUnknown,  // Events were lost, or a folder itself went: look for yourself. `name` is empty.
  };
  using OnChange = std::function<void(Change change, const std::string& name)>;

  // Errors: errno's text (the system's limit of watches, descriptors).
  static absl::StatusOr<std::unique_ptr<FolderWatch>> Create(boost::asio::io_context& io,
                                                             OnChange on_change);
  ~FolderWatch();

  // Watches these folders and no others. One that does not exist is passed over; call again when it
  // may have come. Watching one twice changes nothing.
  void SetFolders(const std::vector<std::string>& folders);

 private:
  class Impl;
  explicit FolderWatch(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace lb::controlplane
