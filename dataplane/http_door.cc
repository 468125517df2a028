#include "dataplane/http_door.h"

#include <sys/stat.h>
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
  // A path that is gone by itself is as good; a file that is no socket was never the other one's.
  struct stat found {};
  if (address_.kind() == Endpoint::Kind::kUnix && ::lstat(address_.host().c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode))
      return LogWarn("cannot serve the worker's pages: the path is not a socket",
                     {{"path", address_.host()}});
    static_cast<void>(::unlink(address_.host().c_str()));
  }
  Retry();
}

void HttpDoor::Retry() {
  const absl::Status opened = Open(true);
  if (!opened.ok())
    LogWarn("cannot serve the worker's pages", {{"error", std::string(opened.message())}});
  waits_ = server_ == nullptr;
  if (!waits_) return;
  retry_.expires_after(kRetryInterval);
  retry_.async_wait([this](const boost::system::error_code& error) {
    if (!error && waits_) Retry();
  });
}

void HttpDoor::Leave() {
  if (address_.kind() == Endpoint::Kind::kUnix) return;
  waits_ = false;
  server_.reset();
}

void HttpDoor::Return() {
  server_.reset();
  Retry();
}

}  // namespace lb::dataplane
