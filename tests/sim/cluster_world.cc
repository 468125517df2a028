#include "tests/sim/cluster_world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/log.h"

namespace lb::sim {

using controlplane::BackendConfig;
using controlplane::ClusterConfig;
using controlplane::Config;
using controlplane::RuleConfig;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr uint16_t kGossipPort = 7'946;
constexpr size_t kWebBackends = 2;
constexpr milliseconds kAsk{100};
// Of what arrives on average, in 10 s, with all likelihood.
constexpr double kFew = 0.8;

Endpoint Ip(const std::string& ip, uint16_t port) { return Endpoint::FromIp(ip, port).value(); }

Endpoint WebBackend(size_t index) { return Ip(absl::StrCat("10.2.0.", index + 1), 80); }

RuleConfig RuleOf(const char* name, uint16_t port, const std::vector<Endpoint>& backends,
                  uint64_t limit) {
  RuleConfig rule;
  rule.name = name;
  rule.listen = Ip("10.0.0.1", port);
  rule.backend_connection_limit = limit;
  for (size_t i = 0; i < backends.size(); ++i) {
    BackendConfig backend;
    backend.name = absl::StrCat("b", i);
    backend.address = backends[i];
    rule.backends.push_back(backend);
  }
  rule.health_check.enabled = true;
  rule.health_check.interval = seconds(2);
  return rule;
}

}  // namespace

ClusterWorld::ClusterWorld(const Settings& settings)
    : settings_(settings),
      prng_(settings.seed),
      begin_(queue_.now()),
      network_(settings.hosts, settings.faults, settings.seed ^ 0x5eed),
      traffic_(settings.seed ^ 0xc11e,
               {.queue = queue_,
                .hosts = hosts_,
                .opened = [this](size_t host, const std::string& rule,
                                 const std::string& backend) { CheckOpened(host, rule, backend); },
                .trace = [this](uint64_t value) { Trace(value); }}) {
  // Lines of workers, in real time, would tell nothing.
  LB_CHECK(SetUpLog("error", "text").ok());
  LB_CHECK(settings.hosts >= 1 && settings.hosts <= 200);
  for (size_t i = 0; i < settings.hosts; ++i)
    hosts_.push_back(std::make_unique<ClusterHost>(
        absl::StrCat("host-", i), settings.workers, prng_.Next(),
        ClusterHost::Seams{
            .queue = queue_,
            .gossip = [this, i](controlplane::swim::ClusterAction& action) { Gossip(i, action); },
            .is_up =
                [this](const Endpoint& backend) {
                  return std::none_of(backends_down_.begin(), backends_down_.end(),
                                      [&](size_t down) { return WebBackend(down) == backend; });
                },
            .trace = [this](uint64_t value) { Trace(value); },
            .violated = [this](const std::string& what) { Violated(what); }}));
}

// Address of host 0 is 10.1.0.1.
Config ClusterWorld::ConfigOf(size_t host) const {
  Config config;
  std::vector<Endpoint> web;
  for (size_t i = 0; i < kWebBackends; ++i) web.push_back(WebBackend(i));
  config.rules.push_back(RuleOf(kWeb, 80, web, settings_.web_limit));
  config.rules.push_back(RuleOf(kPool, 81, {Ip("10.3.0.1", 80)}, settings_.pool_limit));
  config.rules.back().share_backend_limits = settings_.pool_is_cluster_wide;
  // What tells one revision from the next.
  config.rules.back().timeouts.idle += milliseconds(revision_);
  RuleConfig& limited = config.rules.front();
  limited.own_rate_limit = true;
  limited.rate_limit.emplace();
  limited.rate_limit->requests_per_second = settings_.rate_per_s;
  limited.rate_limit->burst = settings_.burst;
  limited.rate_limit->max_clients = 10'000;
  ClusterConfig& cluster = config.cluster.emplace();
  cluster.keys = {std::string(32, 'k')};
  for (size_t i = 0; i < settings_.hosts; ++i) {
    const Endpoint address = Ip(absl::StrCat("10.1.0.", i + 1), kGossipPort);
    if (i == host)
      cluster.bind_addr = address;
    else
      cluster.peers.push_back(address);
  }
  return config;
}

void ClusterWorld::Start() {
  for (size_t i = 0; i < hosts_.size(); ++i) {
    hosts_[i]->SetConfig(ConfigOf(i));
    hosts_[i]->StartMachine();
  }
  queue_.After(kLookEvery, [this] { Look(); });
}

void ClusterWorld::AddClients(size_t count) {
  constexpr milliseconds kWebHold{200};
  constexpr seconds kPoolHold{1};
  const uint64_t pools = settings_.pool_is_cluster_wide ? 1 : hosts_.size();
  const double pool_per_s = 1.5 * static_cast<double>(pools * settings_.pool_limit) /
                            static_cast<double>(std::max<size_t>(count, 1));
  for (size_t i = 0; i < count; ++i) {
    const auto pattern = ClusterTraffic::kPatterns[i % ClusterTraffic::kPatterns.size()];
    const size_t home = i % hosts_.size();
    traffic_.Add({kWeb, 3 * settings_.rate_per_s, kWebHold, pattern, home});
    traffic_.Add({kPool, pool_per_s, kPoolHold, pattern, home});
  }
}

void ClusterWorld::RunFor(Duration time) {
  const Instant end = queue_.now() + time;
  bool over = false;
  queue_.At(end, [&over] { over = true; });
  while (!over && !stuck_) {
    const Instant before = queue_.now();
    LB_CHECK(queue_.RunOne(end));
    ++counts_.steps;
    steps_at_once_ = queue_.now() == before ? steps_at_once_ + 1 : 0;
    if (steps_at_once_ > kMostAtOnce) {
      stuck_ = true;
      Violated("time stands still: something is due again and again");
    }
  }
}

bool ClusterWorld::RunUntil(const std::function<bool()>& holds, Duration limit) {
  const Instant end = queue_.now() + limit;
  while (!holds()) {
    if (queue_.now() >= end || stuck_) return false;
    RunFor(kAsk);
  }
  return true;
}

void ClusterWorld::Split(const std::vector<int>& parts) {
  for (size_t i = 0; i < hosts_.size(); ++i) network_.SetPart(i, parts.at(i));
}

void ClusterWorld::Heal() {
  network_.SetFaults({});
  backends_down_.clear();
  for (size_t i = 0; i < hosts_.size(); ++i) {
    network_.SetPart(i, 0);
    hosts_[i]->GoOn();
    hosts_[i]->StartMachine();
    hosts_[i]->StartControlPlane();
  }
}

void ClusterWorld::SetBackendUp(size_t backend, bool up) {
  if (up)
    backends_down_.erase(backend % kWebBackends);
  else
    backends_down_.insert(backend % kWebBackends);
}

void ClusterWorld::Reconfigure() {
  ++revision_;
  for (size_t i = 0; i < hosts_.size(); ++i)
    queue_.After(Duration(milliseconds(prng_.Below(1'000))),
                 [this, i] { hosts_[i]->SetConfig(ConfigOf(i)); });
}

bool ClusterWorld::AllAreMembers() {
  return std::all_of(hosts_.begin(), hosts_.end(), [this](const auto& host) {
    if (!host->has_control_plane() || host->is_held_up()) return false;
    const admin::v1::Status status = host->Status();
    const admin::v1::Cluster& cluster = status.cluster();
    return cluster.members_alive() == hosts_.size() && cluster.members_suspect() == 0 &&
           cluster.members_failed() == 0;
  });
}

bool ClusterWorld::AllAreSynced() {
  return std::all_of(hosts_.begin(), hosts_.end(), [](const auto& host) {
    if (!host->has_control_plane() || host->is_held_up()) return false;
    const admin::v1::Status status = host->Status();
    return status.workers_synced() == host->workers().size() && status.file().good() &&
           std::all_of(host->workers().begin(), host->workers().end(), [&](const auto& worker) {
             return worker != nullptr && worker->running() &&
                    worker->running()->digest() == status.running().digest();
           });
  });
}

// Whether a fault is there, or its traces.
bool ClusterWorld::IsDisturbed() {
  return network_.has_faults() || !AllAreMembers() || !AllAreSynced();
}

void ClusterWorld::Look() {
  if (IsDisturbed()) traffic_.Disturb();
  traffic_.CloseSecond();
  CheckRates();
  queue_.After(kLookEvery, [this] { Look(); });
}

void ClusterWorld::CheckRates() {
  const double window_s = ClusterTraffic::kWindow;
  for (const ClusterTraffic::Record& record : traffic_.records()) {
    const ClusterTraffic::Client& client = record.client;
    if (client.rule != kWeb || record.window_per_s < 0) continue;
    const bool moves = client.pattern == ClusterTraffic::Pattern::kMoving;
    const double slack = moves ? kCalmMoving : kCalm;
    const bool calm = record.window_is_calm;
    const double most = calm ? (1 + slack) * settings_.rate_per_s
                             : kMostDisturbed * (settings_.rate_per_s + settings_.burst / window_s);
    const double least =
        calm ? (1 - slack) * std::min(settings_.rate_per_s, kFew * client.per_s) : 0;
    if (record.window_per_s > most || record.window_per_s < least)
      Violated(absl::StrCat("a client (", ClusterTraffic::NameOf(client.pattern), ") was let in ",
                            record.window_per_s, " times a second over ", window_s,
                            " s, which is not ", least, " to ", most,
                            calm ? " as in calm times" : ""));
  }
}

// Asked when it may have become more.
void ClusterWorld::CheckOpened(size_t host, const std::string& rule, const std::string& backend) {
  const bool pool = rule == kPool;
  uint64_t held = 0;
  for (size_t i = 0; i < hosts_.size(); ++i)
    if (i == host || (pool && settings_.pool_is_cluster_wide))
      held += hosts_[i]->held(rule, backend);
  uint64_t& most = pool ? counts_.most_pool : counts_.most_web;
  most = std::max(most, held);
  const uint64_t limit = pool ? settings_.pool_limit : settings_.web_limit;
  if (held > limit)
    Violated(absl::StrCat(rule, "/", backend, ": ", held, " connections, limit ", limit, ", on ",
                          hosts_[host]->name()));
}

void ClusterWorld::Violated(const std::string& what) {
  if (!violation_.empty()) return;
  const std::chrono::duration<double> at = queue_.now() - begin_;
  violation_ = absl::StrFormat("%s, %.3f s after the start", what, at.count());
}

ClusterWorld::Counts ClusterWorld::counts() const {
  Counts counts = counts_;
  for (const std::unique_ptr<ClusterHost>& host : hosts_) counts.events += host->events();
  return counts;
}

// FNV-1a, of words (draft-eastlake-fnv).
void ClusterWorld::Trace(uint64_t value) {
  const auto at = static_cast<uint64_t>(queue_.now().time_since_epoch().count());
  trace_ = (trace_ ^ at) * 0x100000001b3u;
  trace_ = (trace_ ^ value) * 0x100000001b3u;
}

}  // namespace lb::sim
