#include "dataplane/http_door.h"

#include <unistd.h>

#include <string>
#include <utility>

#include "base/log.h"

namespace lb::dataplane {

HttpDoor::HttpDoor(boost::asio::io_context& io, Endpoint address, HttpServer::Handler handler)
    : io_(io), address_(std::move(address)), handler_(std::move(handler)), retry_(io) {}

absl::Status HttpDoor::Open(bool replaces) {
  auto server = HttpServer::Start(io_, address_, handler_);
  if (server.ok()) {
    server_ = *std::move(server);
    return absl::OkStatus();
  }
  return replaces && absl::IsAlreadyExists(server.status()) ? absl::OkStatus() : server.status();
}

void HttpDoor::Take() {
  if (server_ != nullptr) return;
  // A path that is gone by itself is as good.
  if (address_.kind() == Endpoint::Kind::kUnix)
    static_cast<void>(::unlink(address_.host().c_str()));
  Retry();
}

void HttpDoor::Retry() {
  const absl::Status opened = Open(true);
  if (!opened.ok())
    LogWarn("cannot serve the worker's pages", {{"error", std::string(opened.message())}});
  if (server_ != nullptr) return;
  retry_.expires_after(kRetryInterval);
  retry_.async_wait([this](const boost::system::error_code& error) {
    if (!error) Retry();
  });
}

void HttpDoor::Leave() {
  if (address_.kind() != Endpoint::Kind::kUnix) server_.reset();
}

void HttpDoor::Return() {
  server_.reset();
  Retry();
}

}  // namespace lb::dataplane
