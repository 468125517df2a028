#include "tests/sim/cluster_traffic.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"

namespace lb::sim {

using std::chrono::seconds;

const char* ClusterTraffic::NameOf(Pattern pattern) {
  switch (pattern) {
    case Pattern::kUniform:
      return "uniform";
    case Pattern::kSkewed:
      return "skewed";
    case Pattern::kOneHost:
      return "one host";
    case Pattern::kMoving:
      return "moving";
  }
  return "";
}

void ClusterTraffic::Add(const Client& client) {
  records_.push_back({.client = client});
  this_second_.push_back(0);
  Disturb();
  const size_t index = records_.size() - 1;
  seams_.queue.After(Exponential(1 / client.per_s), [this, index] { Arrive(index); });
}

// By inversion (Devroye, "Non-Uniform Random Variate Generation", II.2).
Duration ClusterTraffic::Exponential(double mean_s) {
  const double uniform = (static_cast<double>(prng_.Below(1u << 30)) + 0.5) / (1u << 30);
  return Duration(static_cast<int64_t>(-std::log(uniform) * mean_s * 1e9));
}

SocketAddress ClusterTraffic::AddressOf(size_t client) {
  return Endpoint::FromIp(absl::StrCat("10.100.", client / 250, ".", client % 250 + 1), 40'000)
      .value()
      .ToSocketAddress();
}

size_t ClusterTraffic::ChooseHost(const Client& client) {
  const size_t count = seams_.hosts.size();
  size_t host = client.home;
  switch (client.pattern) {
    case Pattern::kUniform:
      host += prng_.Below(count);
      break;
    case Pattern::kSkewed:
      while (host + 1 < client.home + count && prng_.Chance(1, 2)) ++host;
      break;
    case Pattern::kOneHost:
      break;
    case Pattern::kMoving:
      host += static_cast<size_t>(seams_.queue.now().time_since_epoch() / kMoveEvery);
      break;
  }
  for (size_t i = 0; i < count; ++i)
    if (seams_.hosts[(host + i) % count]->is_machine_up()) return (host + i) % count;
  return host % count;
}

SimWorker* ClusterTraffic::ChooseWorker(size_t host) {
  const auto& workers = seams_.hosts[host]->workers();
  const size_t first = prng_.Below(workers.size());
  for (size_t i = 0; i < workers.size(); ++i)
    if (SimWorker* worker = workers[(first + i) % workers.size()].get()) return worker;
  return nullptr;
}

void ClusterTraffic::Arrive(size_t index) {
  Record& record = records_[index];
  const Instant now = seams_.queue.now();
  seams_.queue.After(Exponential(1 / record.client.per_s), [this, index] { Arrive(index); });
  ++record.arrived;
  const size_t host = ChooseHost(record.client);
  SimWorker* worker = ChooseWorker(host);
  if (worker == nullptr) return;
  SimWorker::Connection connection;
  const auto refused = worker->Open(record.client.rule, AddressOf(index), now, connection);
  seams_.trace(static_cast<uint64_t>(index) << 8 |
               (refused ? 1 + static_cast<uint64_t>(*refused) : 0));
  const bool admitted = !refused || (*refused != SimWorker::Refused::kNoRule &&
                                     *refused != SimWorker::Refused::kRate);
  if (admitted) {
    ++record.admitted;
    ++this_second_[index];
  }
  if (refused) return;
  ++record.opened;
  seams_.opened(host, record.client.rule, connection.backend_name());
  const double hold_s = std::chrono::duration<double>(record.client.hold).count();
  seams_.queue.After(Exponential(hold_s), [this, host, connection, process = worker->process()] {
    for (const std::unique_ptr<SimWorker>& each : seams_.hosts[host]->workers())
      if (each != nullptr && each->process() == process) each->Close(connection);
  });
}

void ClusterTraffic::CloseSecond() {
  const bool calm = seams_.queue.now() - disturbed_at_ >= seconds(kWindow) + kSettle;
  for (size_t i = 0; i < records_.size(); ++i) {
    Record& record = records_[i];
    record.seconds.push_back(std::exchange(this_second_[i], 0));
    if (record.seconds.size() < kWindow) continue;
    if (record.seconds.size() > kWindow) record.seconds.erase(record.seconds.begin());
    const double sum = std::accumulate(record.seconds.begin(), record.seconds.end(), 0.0);
    record.window_per_s = sum / kWindow;
    record.window_is_calm = calm;
    Extremes& extremes = calm ? record.calm : record.disturbed;
    extremes.least = std::min(extremes.least, record.window_per_s);
    extremes.most = std::max(extremes.most, record.window_per_s);
  }
}

void ClusterTraffic::ForgetWindows() {
  for (Record& record : records_) {
    record.seconds.clear();
    record.window_per_s = -1;
  }
}

void ClusterTraffic::ForgetExtremes() {
  for (Record& record : records_) record.calm = record.disturbed = {};
}

ClusterTraffic::Extremes ClusterTraffic::Of(const std::string& rule) const {
  Extremes all;
  for (const Record& record : records_) {
    if (record.client.rule != rule) continue;
    all.least = std::min({all.least, record.calm.least, record.disturbed.least});
    all.most = std::max({all.most, record.calm.most, record.disturbed.most});
  }
  return all;
}

}  // namespace lb::sim
