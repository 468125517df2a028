#include "dataplane/forward/listen_plan.h"

#include "dataplane/forward/socket_options.h"

namespace lb::dataplane {
namespace {

// Binds one address once for each thread. Returns 0 or an errno.
int BindAll(const Endpoint& listen, size_t threads, NewListeners& made) {
  made.bound = listen;
  for (size_t i = 0; i < threads; ++i) {
    // The first socket settles the port for all.
    SocketResult bound = BindListener(made.bound.ToSocketAddress());
    if (!bound.fd.valid()) return bound.error;
    if (i == 0) made.bound = BoundEndpoint(bound.fd.get());
    made.sockets.push_back(std::move(bound.fd));
  }
  return 0;
}

int ListenAll(const NewListeners& made) {
  for (const UniqueFd& socket : made.sockets) {
    if (const int error = StartListening(socket.get()); error != 0) return error;
  }
  return 0;
}

}  // namespace

ListenKey ListenKeyOf(const RuleTable& rule) {
  return {rule.listen, rule.listen.port() == 0 ? rule.name : ""};
}

ListenPlan MakeListenPlan(const Tables& tables, const std::map<ListenKey, Endpoint>& have,
                          size_t threads) {
  ListenPlan plan;
  for (const auto& rule : tables.rules) {
    const ListenKey key = ListenKeyOf(*rule);
    if (have.count(key) != 0) continue;
    const int error = BindAll(rule->listen, threads, plan.fresh[key]);
    if (error != 0) plan.failures.push_back({rule->name, rule->listen, error});
  }
  // Listening comes after all binding, because from then on clients wait in the sockets.
  for (const auto& rule : tables.rules) {
    if (!plan.failures.empty()) break;
    const auto made = plan.fresh.find(ListenKeyOf(*rule));
    if (made == plan.fresh.end()) continue;
    const int error = ListenAll(made->second);
    if (error != 0) plan.failures.push_back({rule->name, rule->listen, error});
  }
  if (!plan.failures.empty()) plan.fresh.clear();
  return plan;
}

}  // namespace lb::dataplane
