// The small HTTP/1.1 server of both programs: GET of a few fixed paths, by Boost.Beast.
//
// Bounded: kMaxConnections at once, kMaxHeaderBytes of header, no body, kRequestTimeout per
// request. Listens on loopback TCP or a unix socket. Runs on the io_context it is given; handlers
// are called on that context's thread and answer through a callback, now or later, once.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/endpoint.h"

namespace lb {

struct HttpReply {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

class HttpServer final {
 public:
  static constexpr int kMaxConnections = 64;
  static constexpr size_t kMaxHeaderBytes = 8192;
  static constexpr std::chrono::seconds kRequestTimeout{10};

  using Respond = std::function<void(HttpReply)>;
  // `path` is the target without its query, "/metrics".
  using Handler = std::function<void(const std::string& path, Respond respond)>;

  // Binds and listens. A unix path that exists and is a stale socket is replaced. Errors: the
  // address and errno's text; InvalidArgument for an address that is neither loopback nor unix.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(boost::asio::io_context& io,
                                                           const Endpoint& address,
                                                           Handler handler);
  ~HttpServer();

  // Where it listens, with the port the kernel chose.
  Endpoint address() const;

 private:
  class Impl;
  explicit HttpServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace lb
