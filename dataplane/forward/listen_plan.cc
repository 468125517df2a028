#include "dataplane/forward/listen_plan.h"

#include <memory>
#include <utility>

#include "dataplane/forward/socket_options.h"

namespace lb::dataplane {
namespace {

// Takes what was passed for `key`, thread by thread.
void TakePassed(const ListenKey& key, const std::vector<PassedSocket>& passed, size_t threads,
                ListeningAddress& address) {
  for (const PassedSocket& socket : passed) {
    if (socket.key != key) continue;
    if (address.sockets.empty()) address.bound = BoundEndpoint(socket.fd->get());
    // The length of its queue follows net.core.somaxconn of now; it listens whatever this returns.
    static_cast<void>(StartListening(socket.fd->get()));
    address.sockets.push_back({socket.fd, address.sockets.size() % threads, socket.home});
  }
}

// Binds one socket for each thread from `first` on. Returns 0 or an errno.
int BindAll(size_t first, size_t threads, ListeningAddress& address, std::vector<SharedFd>& fresh) {
  for (size_t i = first; i < threads; ++i) {
    // The first socket settles the port for all.
    SocketResult made = BindListener(address.bound.ToSocketAddress());
    if (!made.fd.valid()) return made.error;
    if (address.sockets.empty()) address.bound = BoundEndpoint(made.fd.get());
    address.sockets.push_back({std::make_shared<const UniqueFd>(std::move(made.fd)), i});
    fresh.push_back(address.sockets.back().fd);
  }
  return 0;
}

// Returns 0 or an errno.
int Complete(const RuleTable& rule, const std::vector<PassedSocket>& passed, size_t threads,
             ListeningAddress& address, std::vector<SharedFd>& fresh) {
  address.bound = rule.listen;
  TakePassed(ListenKeyOf(rule), passed, threads, address);
  const size_t first = address.sockets.size();
  const int error = BindAll(first, threads, address, fresh);
  // Sockets that a service manager made may not share their address: then the threads without one
  // are handed their connections by the others.
  return first > 0 ? 0 : error;
}

}  // namespace

ListenKey ListenKeyOf(const RuleTable& rule) {
  return {rule.listen, rule.listen.port() == 0 ? rule.name : ""};
}

ListenPlan MakeListenPlan(const Tables& tables, const ListeningAddresses& have,
                          const std::vector<PassedSocket>& passed, size_t threads) {
  ListenPlan plan;
  std::vector<std::pair<const RuleTable*, SharedFd>> fresh;
  for (const auto& rule : tables.rules) {
    const ListenKey key = ListenKeyOf(*rule);
    const auto known = have.find(key);
    if (known != have.end()) {
      plan.addresses.emplace(key, known->second);
      continue;
    }
    std::vector<SharedFd> made;
    const int error = Complete(*rule, passed, threads, plan.addresses[key], made);
    for (SharedFd& fd : made) fresh.emplace_back(rule.get(), std::move(fd));
    if (error != 0) plan.failures.push_back({rule->name, rule->listen, error});
  }
  // Listening comes after all binding, because from then on clients wait in the sockets.
  for (const auto& [rule, fd] : fresh) {
    if (!plan.failures.empty()) break;
    const int error = StartListening(fd->get());
    if (error != 0) plan.failures.push_back({rule->name, rule->listen, error});
  }
  if (!plan.failures.empty()) plan.addresses.clear();
  return plan;
}

}  // namespace lb::dataplane
