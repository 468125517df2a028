#include "controlplane/loop/rollout_turn.h"

#include <memory>
#include <utility>

#include "controlplane/admin/config_answers.h"
#include "controlplane/loop/admin_turn.h"

namespace lb::controlplane {

std::optional<Failure> WatchRollout(RequestId request, Parts& parts) {
  if (parts.rollout_watches.size() >= kMaxRolloutWatches)
    return Failure{absl::ResourceExhaustedError("too many watches; try again"), "TOO_MANY_WATCHES"};
  parts.rollout_watches.emplace(request, "");
  return std::nullopt;
}

void SendRollouts(Parts& parts, Turn& turn) {
  std::map<RequestId, std::string>& watches = parts.rollout_watches;
  if (watches.empty()) return;
  const admin::v1::Rollout rollout = DescribeRollout(ViewOf(parts, {turn.now, WallTime{}}));
  std::shared_ptr<const admin::v1::Rollout> shared;
  const std::string bytes = rollout.SerializeAsString();
  for (auto it = watches.begin(); it != watches.end();) {
    if (it->second != bytes) {
      if (shared == nullptr) shared = std::make_shared<const admin::v1::Rollout>(rollout);
      turn.actions.push_back(StreamItem{it->first, shared});
    }
    it->second = bytes;
    if (!parts.versions.has_content() || rollout.workers_pending() > 0) {
      ++it;
      continue;
    }
    Answer(it->first, rollout, turn);
    it = watches.erase(it);
  }
}

}  // namespace lb::controlplane
