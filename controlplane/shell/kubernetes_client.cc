#include "controlplane/shell/kubernetes_client.h"

#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/prng.h"
#include "base/time.h"
#include "controlplane/shell/kubernetes_watch.h"
#include "controlplane/shell/probe_tls.h"

namespace lb::controlplane {

class KubernetesClient::Impl final {
 public:
  Impl(boost::asio::io_context& io, uint64_t seed, EventSink sink)
      : io_(io), prng_(seed), sink_(std::move(sink)) {}

  void Set(WatchServices wanted) {
    std::map<Key, std::set<std::string>> ports;
    for (ServiceRef& service : wanted.services)
      ports[{std::move(service.space), std::move(service.name)}].insert(std::move(service.port));
    if (wanted.kubernetes != kubernetes_ || wanted.dns != dns_) watched_.clear();
    kubernetes_ = std::move(wanted.kubernetes);
    dns_ = std::move(wanted.dns);
    std::erase_if(watched_, [&](const auto& entry) { return !ports.contains(entry.first); });
    for (auto& [key, of_service] : ports) {
      Watched& watched = watched_[key];
      watched.ports = std::move(of_service);
      if (watched.watch == nullptr)
        Begin(key, watched);
      else
        watched.watch->TellAgain();
    }
  }

  void AppendMetrics(std::vector<MetricFamily>& families) const {
    using Type = MetricFamily::Type;
    MetricFamily lists{
        "lb_service_lists_total", "Lists of a Service's slices read.", Type::kCounter, {}};
    MetricFamily watches{
        "lb_service_watches_total", "Watches of a Service begun.", Type::kCounter, {}};
    MetricFamily failures{
        "lb_service_failures_total", "Requests about a Service that failed.", Type::kCounter, {}};
    MetricFamily heard{"lb_service_heard_seconds",
                       "Since the API server last said anything of a Service.",
                       Type::kGauge,
                       {}};
    const Instant now = ReadClocks().steady;
    for (const auto& [key, watched] : watched_) {
      const KubernetesWatch::Counts& counts = watched.watch->counts();
      const std::vector<std::pair<std::string, std::string>> labels{
          {"service", absl::StrCat(key.first, "/", key.second)}};
      lists.Add(labels, static_cast<double>(counts.lists));
      watches.Add(labels, static_cast<double>(counts.watches));
      failures.Add(labels, static_cast<double>(counts.failures));
      heard.Add(labels, std::chrono::duration<double>(now - counts.heard).count());
    }
    families.insert(families.end(), {lists, watches, failures, heard});
  }

 private:
  using Key = std::pair<std::string, std::string>;  // Namespace and name.

  struct Watched {
    std::set<std::string> ports;
    std::unique_ptr<KubernetesWatch> watch;
  };

  void Begin(const Key& key, Watched& watched) {
    watched.watch = std::make_unique<KubernetesWatch>(
        io_, contexts_,
        KubernetesWatch::Options{.space = key.first,
                                 .name = key.second,
                                 .kubernetes = kubernetes_,
                                 .dns = dns_,
                                 .seed = prng_.Next()},
        KubernetesWatch::Callbacks{
            .on_slices =
                [this, key, &watched](const SliceSet& slices) {
                  for (const std::string& port : watched.ports) {
                    ServiceFound found{{key.first, key.second, port}, slices.Merge(port)};
                    if (found.endpoints.empty()) found.why_none = slices.WhyNone(port);
                    sink_(std::move(found));
                  }
                },
            .on_lost =
                [this, key, &watched](const absl::Status& error) {
                  for (const std::string& port : watched.ports)
                    sink_(ServiceLost{{key.first, key.second, port}, error});
                }});
  }

  boost::asio::io_context& io_;
  Prng prng_;
  const EventSink sink_;
  ProbeTlsContexts contexts_;
  KubernetesConfig kubernetes_;
  DnsConfig dns_;
  std::map<Key, Watched> watched_;  // Their watches refer to them.
};

KubernetesClient::KubernetesClient(boost::asio::io_context& io, uint64_t seed, EventSink sink)
    : impl_(std::make_unique<Impl>(io, seed, std::move(sink))) {}

KubernetesClient::~KubernetesClient() = default;

void KubernetesClient::Set(WatchServices wanted) { impl_->Set(std::move(wanted)); }

void KubernetesClient::AppendMetrics(std::vector<MetricFamily>& families) const {
  impl_->AppendMetrics(families);
}

}  // namespace lb::controlplane
