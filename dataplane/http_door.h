// Where the worker's pages are served, over replacements: the address belongs to the process that
// serves. Runs on the io_context it is given. Threading: that context's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>

#include "absl/status/status.h"
#include "base/endpoint.h"
#include "base/http_server.h"

namespace lb::dataplane {

class HttpDoor final {
 public:
  // How often a TCP address is tried that the process before still has.
  static constexpr std::chrono::milliseconds kRetryInterval{100};

  HttpDoor(boost::asio::io_context& io, Endpoint address, HttpServer::Handler handler);

  // Opens it. With `replaces` the address may be that of the process before, which keeps it until
  // Take. Errors as HttpServer::Start.
  absl::Status Open(bool replaces);
  // This process serves now: the address is its own, a TCP one as soon as it is free.
  void Take();
  // Another process serves: leaves a TCP address to it. A unix path it takes itself, or it has
  // another one.
  void Leave();
  // That process is gone.
  void Return();

 private:
  void Retry();

  boost::asio::io_context& io_;
  const Endpoint address_;
  const HttpServer::Handler handler_;
  boost::asio::steady_timer retry_;
  bool waits_ = false;                  // For the address: the timer runs.
  std::unique_ptr<HttpServer> server_;  // nullptr: the address is another process's.
};

}  // namespace lb::dataplane
