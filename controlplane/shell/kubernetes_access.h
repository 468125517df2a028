// How the API server of Kubernetes is reached: its place, the token to show, the authorities to
// verify it by. Reads small files; threading: none.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/time.h"
#include "controlplane/config/kubernetes_config.h"
#include "controlplane/loop/action.h"

namespace lb::controlplane {

struct ApiAccess {
  ApiServerPlace place;
  std::string token;            // Empty: none is shown. Never logged.
  std::optional<ProbeTls> tls;  // Absent: plain.
};

// Largest token that is shown.
inline constexpr size_t kMaxApiTokenBytes = 16u << 10;

// Looks up what `config` says and, where it says nothing, what a pod finds in its environment and
// at the places that Kubernetes mounts. Everything is read anew, since both files are replaced
// while they are in use. FailedPrecondition says what is missing, and names the file that is no
// good.
absl::StatusOr<ApiAccess> FindApiServer(const KubernetesConfig& config, WallTime now);

}  // namespace lb::controlplane
