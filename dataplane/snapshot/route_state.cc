#include "dataplane/snapshot/route_state.h"

namespace lb::dataplane {

uint64_t RouteState::connections() const {
  uint64_t sum = 0;
  for (const RouteCounters& thread : counters) sum += thread.connections.Read();
  return sum;
}

std::shared_ptr<RouteState> RouteStates::FindOrMake(const std::string& name) {
  const MutexLock lock(mutex_);
  std::weak_ptr<RouteState>& known = routes_[name];
  if (auto state = known.lock()) return state;
  auto state = std::make_shared<RouteState>(name, threads_);
  known = state;
  return state;
}

std::vector<std::shared_ptr<RouteState>> RouteStates::all() const {
  const MutexLock lock(mutex_);
  std::erase_if(routes_, [](const auto& route) { return route.second.expired(); });
  std::vector<std::shared_ptr<RouteState>> live;
  for (const auto& [name, route] : routes_) {
    if (auto state = route.lock()) live.push_back(std::move(state));
  }
  return live;
}

}  // namespace lb::dataplane
