#include "controlplane/shell/kubernetes_access.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "controlplane/config/api_server.h"
#include "controlplane/shell/file_io.h"
#include "controlplane/tls/bundle.h"
#include "controlplane/tls/pem.h"

namespace lb::controlplane {
namespace {

// Where Kubernetes puts what a pod shows and verifies ("Accessing the Kubernetes API from a Pod").
constexpr char kTokenFile[] = "/var/run/secrets/kubernetes.io/serviceaccount/token";
constexpr char kCaFile[] = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

absl::StatusOr<ApiServerPlace> PlaceOf(const KubernetesConfig& config) {
  if (!config.api_server.empty()) return ParseApiServer(config.api_server);
  ApiServerPlace place;
  place.host = Environment("KUBERNETES_SERVICE_HOST");
  if (place.host.empty())
    return absl::FailedPreconditionError(
        "no API server is known: kubernetes.api_server does not say it, and "
        "KUBERNETES_SERVICE_HOST is not in the environment");
  uint32_t port = 0;
  const std::string text = Environment("KUBERNETES_SERVICE_PORT");
  if (text.empty()) return place;
  if (!absl::SimpleAtoi(text, &port) || port == 0 || port > UINT16_MAX)
    return absl::FailedPreconditionError("KUBERNETES_SERVICE_PORT is no port");
  place.port = static_cast<uint16_t>(port);
  return place;
}

absl::StatusOr<std::string> ReadToken(const std::string& configured) {
  const std::string& path = configured.empty() ? kTokenFile : configured;
  absl::StatusOr<std::string> token = ReadRegularFile(path, kMaxApiTokenBytes + 1);
  if (!token.ok() && configured.empty()) return std::string();
  if (!token.ok()) return absl::FailedPreconditionError(token.status().message());
  absl::StripAsciiWhitespace(&*token);
  const bool good = !token->empty() && token->size() <= kMaxApiTokenBytes &&
                    std::all_of(token->begin(), token->end(), [](char c) {
                      return absl::ascii_isgraph(static_cast<unsigned char>(c));
                    });
  if (good) return token;
  return absl::FailedPreconditionError(absl::StrCat("what is in ", path, " is no token"));
}

absl::StatusOr<ProbeTls> ReadTls(const KubernetesConfig& config, const std::string& host,
                                 WallTime now) {
  const std::string path = config.ca_file.empty() ? kCaFile : config.ca_file;
  absl::StatusOr<std::string> text = ReadRegularFile(path, kMaxMaterialFileBytes + 1);
  if (!text.ok())
    return absl::FailedPreconditionError(
        absl::StrCat("no authorities to verify the API server by: ", text.status().message()));
  MaterialProblems problems;
  std::optional<TrustBundle> bundle = text->size() > kMaxMaterialFileBytes
                                          ? std::nullopt
                                          : ReadBundle(*text, SecondsOf(now), problems);
  if (!bundle)
    return absl::FailedPreconditionError(absl::StrCat(
        path, " is no good: ", problems.empty() ? "it is too large" : problems.front().message));
  auto material = std::make_shared<TlsMaterial>();
  material->bundles.emplace(path, *std::move(bundle));
  auto settings = std::make_shared<BackendTlsConfig>();
  settings->ca = path;
  return ProbeTls{std::move(material), std::move(settings), host};
}

}  // namespace

absl::StatusOr<ApiAccess> FindApiServer(const KubernetesConfig& config, WallTime now) {
  ApiAccess access;
  LB_ASSIGN_OR_RETURN(access.place, PlaceOf(config));
  LB_ASSIGN_OR_RETURN(access.token, ReadToken(config.token_file));
  if (!access.place.tls) return access;
  LB_ASSIGN_OR_RETURN(access.tls, ReadTls(config, access.place.host, now));
  return access;
}

}  // namespace lb::controlplane
