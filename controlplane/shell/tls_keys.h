// The TLS files of the control plane's APIs, read again when they change.
//
// What is wrong is logged, once for each change, and what was read before stays in force. The files
// are looked at every kInterval, by name: a rename, a rewrite and a symbolic link that moves
// (Kubernetes) all count. Threading: the io_context's one thread, but for pems().
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "base/tls_files.h"

namespace lb::controlplane {

class TlsKeys final {
 public:
  static constexpr std::chrono::seconds kInterval{1};

  // Reads the files for the first time. Errors as ReadTlsFiles.
  static absl::StatusOr<std::unique_ptr<TlsKeys>> Start(boost::asio::io_context& io,
                                                        TlsPaths paths);
  TlsKeys(boost::asio::io_context& io, TlsPaths paths, TlsPems pems);
  ~TlsKeys();

  // What is in force; another pointer after each change. Any thread.
  std::shared_ptr<const TlsPems> pems() const;

  // Is called after each change of the authorities: who was let in before may not be now.
  void OnNewAuthorities(std::function<void()> on_new_authorities) {
    on_new_authorities_ = std::move(on_new_authorities);
  }

  // Changes taken and refused since the start.
  uint64_t reloads() const { return reloads_; }
  uint64_t refusals() const { return refusals_; }

 private:
  void Wait();
  void Look();
  std::string Signature() const;

  const TlsPaths paths_;
  boost::asio::steady_timer timer_;
  std::string seen_;  // Signature() of what was read last.
  std::function<void()> on_new_authorities_;
  uint64_t reloads_ = 0;
  uint64_t refusals_ = 0;
  mutable Mutex mutex_;
  std::shared_ptr<const TlsPems> pems_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lb::controlplane
