#include "dataplane/http_door.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"

namespace lb::dataplane {

HttpDoor::HttpDoor(boost::asio::io_context& io, Endpoint address, HttpServer::Handler handler)
    : io_(io), address_(std::move(address)), handler_(std::move(handler)), retry_(io) {}

absl::Status HttpDoor::Open(bool replaces) {
  auto server = HttpServer::Start(io_, address_, handler_);
  const bool taken = absl::IsAlreadyExists(server.status()) || absl::IsUnavailable(server.status());
  if (taken && replaces && address_.kind() == Endpoint::Kind::kUnix) {
    if (::unlink(address_.host().c_str()) != 0 && errno != ENOENT)
      return absl::UnavailableError(
          absl::StrCat("unlink ", address_.host(), ": ", std::strerror(errno)));
    server = HttpServer::Start(io_, address_, handler_);
  } else if (taken && replaces) {
    Retry();
    return absl::OkStatus();
  }
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  return absl::OkStatus();
}

void HttpDoor::Retry() {
  retry_.expires_after(kRetryInterval);
  retry_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    const absl::Status opened = Open(true);
    if (!opened.ok())
      LogWarn("cannot serve the worker's pages", {{"error", std::string(opened.message())}});
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
