#include "controlplane/config/api_server.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/endpoint.h"

namespace lb::controlplane {
namespace {

constexpr uint16_t kHttpsPort = 443;
constexpr uint16_t kHttpPort = 80;

}  // namespace

absl::StatusOr<ApiServerPlace> ParseApiServer(std::string_view text) {
  absl::string_view rest(text.data(), text.size());
  ApiServerPlace place;
  if (absl::ConsumePrefix(&rest, "http://"))
    place.tls = false;
  else if (!absl::ConsumePrefix(&rest, "https://"))
    return absl::InvalidArgumentError("it does not begin with https://");
  absl::ConsumeSuffix(&rest, "/");
  const uint16_t usual = place.tls ? kHttpsPort : kHttpPort;
  std::string with_port(rest);
  const size_t colon = rest.rfind(':');
  if (colon == absl::string_view::npos || absl::EndsWith(rest, "]"))
    absl::StrAppend(&with_port, ":", usual);
  const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(with_port);
  if (!endpoint.ok() ||
      (endpoint->kind() != Endpoint::Kind::kIp && endpoint->kind() != Endpoint::Kind::kName))
    return absl::InvalidArgumentError("behind the scheme only HOST or HOST:PORT may stand");
  place.host = endpoint->host();
  place.port = endpoint->port();
  return place;
}

bool IsLoopback(std::string_view host) {
  const absl::StatusOr<Endpoint> endpoint = Endpoint::FromIp(host, 1);
  return endpoint.ok() && (host == "::1" || host.substr(0, 4) == "127.");
}

}  // namespace lb::controlplane
