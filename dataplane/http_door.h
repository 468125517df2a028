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

  // Opens it. With `replaces` the address may be another process's that is about to leave: a unix
  // path is taken from it, a TCP address as soon as it is free. Errors as HttpServer::Start.
  absl::Status Open(bool replaces);
  // Another process serves: leaves a TCP address to it. A unix path is its own already, or it has
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
  std::unique_ptr<HttpServer> server_;
};

}  // namespace lb::dataplane
