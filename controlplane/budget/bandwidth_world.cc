#include "controlplane/budget/bandwidth_world.h"

#include <algorithm>
#include <utility>

namespace lb::controlplane {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kReportEvery{100};
constexpr uint64_t kClient = 7;
const WorkerKey kWorker{"w", "1"};

std::string NameOf(size_t host) { return "h" + std::to_string(host); }

void Add(uint64_t client, double total, bool throttled, uint32_t connections,
         worker::v1::RateReport& report) {
  worker::v1::RateReport::Bandwidth& told = *report.add_bandwidths();
  told.set_prefix(client);
  told.set_download_bytes_total(static_cast<uint64_t>(total));
  told.set_download_throttled(throttled);
  told.set_connections(connections);
}

}  // namespace

BandwidthWorld::BandwidthWorld(const Options& options) : options_(options), random_(options.seed) {
  for (size_t i = 0; i < options.hosts; ++i) {
    Host& host = *hosts_.emplace_back(std::make_unique<Host>());
    host.rates.Connect(kWorker, true, now_);
    host.ledger.SetLimits({{{"", false}, {0, kLimit, true}}});
    host.channel.SetSelf(HostChannel::Self{NameOf(i), 7, "", {std::string(32, 'k')}});
    host.usage.Begin(now_);
    host.exchange.Begin(host.ledger);
    std::vector<HostChannel::Host> others;
    for (size_t j = 0; j < options.hosts; ++j)
      if (j != i)
        others.push_back({NameOf(j), {std::string(4, '\x7f'), static_cast<uint16_t>(j)}, 7});
    host.channel.SetHosts(std::move(others));
    host.usage.NoteHosts();
    host.report_at = now_ + milliseconds(random_.Below(100));
  }
  RunFor(milliseconds(500));
}

void BandwidthWorld::Want(size_t host, double bytes_per_s, uint32_t connections) {
  hosts_[host]->want = bytes_per_s;
  hosts_[host]->connections = connections;
}

void BandwidthWorld::WantOthers(size_t host, uint64_t clients, double bytes_per_s) {
  hosts_[host]->other_clients = clients;
  hosts_[host]->others_bytes_per_s = bytes_per_s;
}

void BandwidthWorld::LoseStream(size_t host) {
  hosts_[host]->has_stream = false;
  hosts_[host]->rates.Disconnect(kWorker);
}

void BandwidthWorld::RunFor(Duration time) {
  for (const Instant end = now_ + time; now_ < end;) Step();
}

void BandwidthWorld::Step() {
  now_ += kStep;
  Deliver();
  for (const auto& host : hosts_) {
    if (!host->alive) continue;
    Work(*host);
    Settle(*host);
    Send(*host);
  }
}

void BandwidthWorld::Work(Host& host) {
  if (now_ >= host.budget_until) host.ratio = host.part;
  const double seconds = std::chrono::duration<double>(kStep).count();
  host.total += std::min(host.want, host.ratio * kLimit) * seconds;
  host.others_total += host.others_bytes_per_s * seconds;
  if (host.has_stream && now_ >= host.report_at) Report(host);
}

void BandwidthWorld::Report(Host& host) {
  host.report_at += kReportEvery;
  if (host.part == 1) return;
  worker::v1::RateReport report;
  if (host.total > std::exchange(host.told, host.total))
    Add(kClient, host.total, host.want > host.ratio * kLimit, host.connections, report);
  for (uint64_t i = 0; i < host.other_clients; ++i)
    Add(kClient + 1 + i, host.others_total, false, 1, report);
  host.ledger.Report(kWorker, report, now_);
}

void BandwidthWorld::Settle(Host& host) {
  host.ledger.SetCluster({.free_ratio = host.rates.free_ratio(),
                          .even_ratio = host.rates.told().fallback_ratio,
                          .has_others = host.rates.has_others()});
  for (const BandwidthLedger::ToWorker& to : host.ledger.Settle(now_)) {
    for (const auto& budget : to.message.rates().bandwidths()) {
      if (!host.has_stream || budget.prefix() != kClient) continue;
      host.ratio = budget.download_ratio();
      host.budget_until = now_ + std::chrono::seconds(budget.ttl().seconds());
    }
  }
  for (const RateLedger::ToWorker& to : host.rates.Settle(now_))
    if (to.message.rates().has_shares()) host.part = to.message.rates().shares().fallback_ratio();
}

void BandwidthWorld::Send(Host& host) {
  std::vector<HostChannel::Datagram> out;
  host.exchange.Step(host.ledger, now_, out);
  size_t bytes = 0;
  for (const HostChannel::Datagram& datagram : out) bytes += datagram.bytes.size();
  most_bytes_ = std::max(most_bytes_, bytes / std::max<size_t>(hosts_.size() - 1, 1));
  host.usage.Step(host.rates, now_, out);
  for (HostChannel::Datagram& datagram : out)
    if (!random_.Chance(options_.loss_percent, 100))
      flying_.push_back({datagram.to.port, host.group, std::move(datagram.bytes)});
}

void BandwidthWorld::Deliver() {
  for (Datagram& datagram : std::exchange(flying_, {})) {
    Host& host = *hosts_[datagram.to];
    if (!host.alive || host.group != datagram.group) continue;
    const auto word = host.channel.Open(datagram.bytes);
    if (!word) continue;
    if (word->kind() == HostWordKind::kUsage)
      host.usage.Receive(*word, host.rates, now_);
    else
      host.exchange.Receive(*word, host.ledger, now_);
  }
}

double BandwidthWorld::Take(size_t host) {
  Host& of = *hosts_[host];
  return of.total - std::exchange(of.taken, of.total);
}

double BandwidthWorld::TakeAll() {
  double sum = 0;
  for (size_t i = 0; i < hosts_.size(); ++i) sum += Take(i);
  return sum;
}

double BandwidthWorld::RatioOver(Duration time) {
  TakeAll();
  RunFor(time);
  return TakeAll() / std::chrono::duration<double>(time).count() / kLimit;
}

}  // namespace lb::controlplane
