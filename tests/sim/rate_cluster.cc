#include "tests/sim/rate_cluster.h"

#include <algorithm>
#include <utility>

namespace lb::sim {
namespace {

using controlplane::HostBook;
using std::chrono::milliseconds;

constexpr milliseconds kStep{5};
constexpr milliseconds kTellEvery{200};
constexpr milliseconds kTellNewsAfter{50};
constexpr milliseconds kDelay{2};

}  // namespace

RateCluster::RateCluster(Settings settings) : settings_(settings), prng_(settings.seed) {
  for (size_t i = 0; i < settings.hosts; ++i) {
    Node& node = nodes_.emplace_back();
    node.host = std::make_unique<RateHost>(settings.workers, settings.rate_per_s, settings.burst,
                                           prng_.Next());
    node.host->ledger().SetOvercommit(settings.overcommit);
    node.book = std::make_unique<HostBook>(Name(i), node.host->now());
    node.tell_at = node.host->now() + Duration(static_cast<int64_t>(prng_.Below(200'000'000)));
    for (size_t other = 0; other < settings.hosts; ++other)
      if (other != i) node.book->Joined(Name(other));
  }
  began_at_ = now();
  RunFor(std::chrono::seconds(1), [](size_t) { return std::vector<double>(); });
}

void RateCluster::Crash(size_t host) { nodes_[host].up = false; }

void RateCluster::RunFor(Duration time, const Rates& rates) {
  const Instant end = now() + time;
  while (now() < end) {
    Deliver();
    for (size_t i = 0; i < nodes_.size(); ++i) {
      Node& node = nodes_[i];
      const bool news =
          node.host->ledger().has_news() && node.host->now() >= node.told_at + kTellNewsAfter;
      if (node.up && (news || node.host->now() >= node.tell_at)) Tell(i);
      node.host->ledger().SetOthers(node.book->Others(node.host->now()));
      std::vector<double> each = node.up ? rates(i) : std::vector<double>();
      for (double& rate : each) rate /= static_cast<double>(settings_.workers);
      node.host->RunFor(kStep, [&](size_t) { return each; });
    }
  }
}

void RateCluster::Tell(size_t from) {
  Node& node = nodes_[from];
  const Instant now = node.host->now();
  node.told_at = now;
  while (node.tell_at <= now) node.tell_at += kTellEvery;
  const HostBook::Told told{static_cast<double>(settings_.workers),
                            node.host->ledger().kept_ratio()};
  const auto usage = node.host->ledger().TakeUsage(settings_.entries, now);
  const double watermark_ratio = node.host->ledger().left_out().watermark_ratio;
  for (size_t to = 0; to < nodes_.size(); ++to) {
    if (to == from || nodes_[to].part != node.part) continue;
    ++words_;
    if (prng_.Below(1'000'000) < static_cast<uint64_t>(settings_.loss * 1e6)) continue;
    words_in_flight_.push_back({now + kDelay, from, to, told, watermark_ratio, usage});
  }
}

void RateCluster::Deliver() {
  std::deque<Word> later;
  for (Word& word : words_in_flight_) {
    Node& node = nodes_[word.to];
    const Instant now = node.host->now();
    if (word.due > now) {
      later.push_back(std::move(word));
      continue;
    }
    if (!node.up || node.part != nodes_[word.from].part) continue;
    node.book->Heard(Name(word.from), word.told, now);
    node.host->ledger().SetOthers(node.book->Others(now));
    node.host->ledger().ReportHost(Name(word.from), word.usage, word.watermark_ratio, now);
  }
  words_in_flight_ = std::move(later);
}

double RateCluster::words_per_s() const {
  const auto hosts = static_cast<double>(nodes_.size());
  return static_cast<double>(words_) / (hosts * (hosts - 1)) /
         std::chrono::duration<double>(now() - began_at_).count();
}

double RateCluster::arrived(dataplane::ClientPrefix client) const {
  double sum = 0;
  for (const Node& node : nodes_) sum += node.host->arrived(client);
  return sum;
}

double RateCluster::admitted(dataplane::ClientPrefix client) const {
  double sum = 0;
  for (const Node& node : nodes_) sum += node.host->admitted(client);
  return sum;
}

}  // namespace lb::sim
