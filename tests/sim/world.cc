#include "tests/sim/world.h"

#include <array>

#include "absl/strings/str_cat.h"

namespace lb::sim {
namespace {

constexpr uint64_t kRules = 3;
constexpr uint64_t kBackends = 4;
constexpr std::array<uint64_t, 5> kLimits{0, 1, 5, 20, 50};
constexpr const char* kNames[kRules] = {"api", "db", "web"};

Endpoint ZoneName(uint64_t rule) {
  return Endpoint::Parse(absl::StrCat(kNames[rule], ".sim:80")).value();
}

}  // namespace

World::World(uint64_t seed) : prng_(seed) {
  for (uint64_t rule = 0; rule < kRules; ++rule) zones_[ZoneName(rule)] = {Address(rule, 1, 1)};
}

Endpoint World::Address(uint64_t rule, uint64_t kind, uint64_t index) {
  return Endpoint::FromIp(absl::StrCat("10.", rule, ".", kind, ".", index), 80).value();
}

controlplane::Config World::RandomConfig() {
  controlplane::Config config;
  const uint64_t first = prng_.Below(kRules);
  const uint64_t count = 1 + prng_.Below(kRules);
  for (uint64_t r = 0; r < count; ++r) {
    const uint64_t index = (first + r) % kRules;
    controlplane::RuleConfig rule;
    rule.name = kNames[index];
    rule.listen = Endpoint::FromIp("127.0.0.1", static_cast<uint16_t>(8000 + index)).value();
    if (const uint64_t limit = kLimits[prng_.Below(kLimits.size())]; limit > 0)
      rule.backend_connection_limit = limit;
    if (const uint64_t limit = kLimits[prng_.Below(kLimits.size())]; limit > 0)
      rule.max_connections = limit;
    if (prng_.Chance(1, 2)) rule.queue = controlplane::QueueConfig{};
    rule.health_check.enabled = prng_.Chance(4, 5);
    rule.health_check.interval = std::chrono::milliseconds(500 + prng_.Below(3'000));
    rule.health_check.rise = static_cast<uint32_t>(1 + prng_.Below(3));
    rule.health_check.fall = static_cast<uint32_t>(1 + prng_.Below(3));
    for (uint64_t b = 0; b < kBackends; ++b) {
      if (prng_.Chance(1, 4)) continue;
      controlplane::BackendConfig backend;
      backend.name = absl::StrCat("b", b);
      backend.address = Address(index, 0, b + 1);
      rule.backends.push_back(backend);
    }
    if (prng_.Chance(1, 2)) {
      controlplane::BackendConfig backend;
      backend.name = "dns";
      backend.address = ZoneName(index);
      rule.backends.push_back(backend);
    }
    config.rules.push_back(std::move(rule));
  }
  return config;
}

void World::ChangeDns() {
  dns_fails_ = prng_.Chance(1, 3);
  const uint64_t rule = prng_.Below(kRules);
  std::vector<Endpoint>& zone = zones_[ZoneName(rule)];
  zone.clear();
  for (uint64_t i = 1; i <= 3; ++i)
    if (prng_.Chance(1, 2)) zone.push_back(Address(rule, 1, i));
}

void World::FlapBackend() {
  const Endpoint address = Address(prng_.Below(kRules), prng_.Below(2), 1 + prng_.Below(kBackends));
  if (!down_.erase(address)) down_.insert(address);
}

void World::Heal() {
  down_.clear();
  dns_fails_ = false;
}

std::vector<Endpoint> World::Resolve(const Endpoint& name) const {
  const auto it = zones_.find(name);
  return dns_fails_ || it == zones_.end() ? std::vector<Endpoint>{} : it->second;
}

}  // namespace lb::sim
