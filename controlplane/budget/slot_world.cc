#include "controlplane/budget/slot_world.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace lb::controlplane {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const WorkerKey kWorker{"w", "1"};
const std::vector<std::string> kKeys{std::string(32, 'k')};

LiveRules RulesWith(uint64_t limit) {
  LiveRule rule;
  rule.name = SlotWorld::Key().rule;
  rule.share_backend_limits = true;
  rule.backends.push_back({.name = SlotWorld::Key().backend,
                           .address = Endpoint::FromIp("10.0.0.1", 80).value(),
                           .weight = 1,
                           .max_connections = limit,
                           .check_host = ""});
  return {rule};
}

}  // namespace

const BackendKey& SlotWorld::Key() {
  static const BackendKey kKey{"web", "b"};
  return kKey;
}

SlotWorld::SlotWorld(const Options& options)
    : options_(options), random_(options.seed), hosts_(options.hosts) {
  for (size_t i = 0; i < hosts_.size(); ++i) {
    hosts_[i].limit = options.limit;
    if (options.started == 0 || i < options.started) Start(i);
  }
}

swim::Address SlotWorld::AddressOf(size_t host) {
  return {std::string{'\x0a', '\0', static_cast<char>(host / 250), static_cast<char>(host % 250)},
          7'947};
}

void SlotWorld::Start(size_t index, bool with_state) {
  Host& host = hosts_[index];
  LB_CHECK(!host.alive);
  host.alive = true;
  host.life = next_life_++;
  host.channel = std::make_unique<HostChannel>();
  host.ledger = std::make_unique<SlotLedger>();
  host.slots = std::make_unique<SlotExchange>(*host.channel);
  host.seq = host.granted = host.held = host.told_held = 0;
  state::v1::StoredState state;
  if (with_state && state.ParseFromString(host.state)) host.slots->Restore(state);
  SlotExchange::Settings settings = options_.settings;
  settings.seeds = (options_.started == 0 ? options_.hosts : options_.started) - 1;
  host.slots->SetSettings(settings);
  host.slots->SetSelf(NameOf(index), now_);
  host.channel->SetSelf(HostChannel::Self{NameOf(index), host.life, "", kKeys});
  SetLimit(index, host.limit);
  worker::v1::Hello hello;
  hello.add_features("rule_limit");
  host.ledger->Connect(kWorker, hello, now_);
}

void SlotWorld::Crash(size_t index) {
  Host& host = hosts_[index];
  host.alive = false;
  host.held = host.granted = 0;
  failures_.push_back({now_ + seconds(2), index});
}

void SlotWorld::SetLimit(size_t index, uint64_t limit) {
  Host& host = hosts_[index];
  host.limit = limit;
  if (!host.alive) return;
  host.ledger->SetLimits(RulesWith(limit));
  host.slots->SetLimits(RulesWith(limit), now_);
}

void SlotWorld::WantAll(uint64_t connections) {
  for (Host& host : hosts_) host.want = connections;
}

uint64_t SlotWorld::held() const {
  uint64_t sum = 0;
  for (const Host& host : hosts_) sum += host.held;
  return sum;
}

void SlotWorld::RunFor(Duration time) {
  for (const Instant end = now_ + time; now_ < end;) Step();
}

void SlotWorld::Step() {
  now_ += kStep;
  TellMembers();
  Deliver();
  for (size_t i = 0; i < hosts_.size(); ++i)
    if (hosts_[i].alive) RunHost(i);
  uint64_t granted = 0;
  for (const Host& host : hosts_) granted += std::max(host.held, host.granted);
  most_granted_ = std::max(most_granted_, granted);
  most_held_ = std::max(most_held_, held());
}

// Members are known as they are at once, but a failure after a while.
void SlotWorld::TellMembers() {
  for (size_t i = 0; i < hosts_.size(); ++i) {
    if (!hosts_[i].alive) continue;
    std::vector<HostChannel::Host> known;
    for (size_t j = 0; j < hosts_.size(); ++j)
      if (j != i && hosts_[j].alive && hosts_[j].group == hosts_[i].group)
        known.push_back({NameOf(j), AddressOf(j), hosts_[j].life});
    if (hosts_[i].channel->SetHosts(std::move(known))) hosts_[i].slots->NoteHosts();
    for (const News& news : failures_)
      if (news.at <= now_ && !hosts_[news.about].alive)
        hosts_[i].slots->Failed(NameOf(news.about), now_);
  }
  std::erase_if(failures_, [&](const News& news) { return news.at <= now_; });
}

void SlotWorld::Deliver() {
  std::vector<Flying> later;
  for (Flying& datagram : std::exchange(flying_, {})) {
    if (datagram.at > now_) {
      later.push_back(std::move(datagram));
      continue;
    }
    Host& host = hosts_[datagram.to];
    if (!host.alive || host.group != datagram.group) continue;
    if (cut_.contains({std::min(datagram.from, datagram.to), std::max(datagram.from, datagram.to)}))
      continue;
    if (const auto word = host.channel->Open(datagram.bytes)) host.slots->Receive(*word, now_);
  }
  for (Flying& datagram : flying_) later.push_back(std::move(datagram));
  flying_ = std::move(later);
}

void SlotWorld::ServeClients(size_t index) {
  Host& host = hosts_[index];
  // Some end at each step, so that rights can move.
  for (uint64_t i = host.held; i > 0; --i)
    if (random_.Chance(1, 20)) --host.held;
  host.held = std::max(host.held, std::min(host.want, host.granted));
  if (host.held > host.want && host.want < host.told_held) host.held = host.want;
}

void SlotWorld::Report(Host& host) {
  worker::v1::SlotReport report;
  report.set_seq(host.seq);
  worker::v1::SlotEntry& entry = *report.add_entries();
  entry.set_rule(Key().rule);
  entry.set_backend(Key().backend);
  entry.set_granted(host.granted);
  entry.set_held(host.held);
  entry.set_wanted(host.want);
  LB_CHECK(host.ledger->Report(kWorker, report, now_).ok());
  host.told_held = host.held;
  host.told_at = now_;
}

void SlotWorld::RunHost(size_t index) {
  Host& host = hosts_[index];
  ServeClients(index);
  if (host.held != host.told_held || now_ >= host.told_at + milliseconds(200)) Report(host);
  host.slots->Plan(*host.ledger, now_);
  bool answered = false;
  for (const SlotLedger::ToWorker& grant : host.ledger->Settle(SlotPool::Raise::kAnything, now_)) {
    host.seq = grant.message.slots().seq();
    for (const auto& entry : grant.message.slots().entries()) host.granted = entry.slots();
    answered = true;
  }
  host.slots->Give(*host.ledger);
  if (host.slots->TakeChanged()) {
    state::v1::StoredState state;
    host.slots->Store(state);
    host.state = state.SerializeAsString();
  }
  std::vector<HostChannel::Datagram> out;
  host.slots->Step(now_, out);
  for (HostChannel::Datagram& datagram : out) {
    bytes_ += datagram.bytes.size();
    if (random_.Below(100) < options_.loss_percent) continue;
    for (size_t to = 0; to < hosts_.size(); ++to)
      if (AddressOf(to) == datagram.to)
        flying_.push_back({now_ + milliseconds(1 + random_.Below(40)), index, to, host.group,
                           std::move(datagram.bytes)});
  }
  if (answered) Report(host);
}

}  // namespace lb::controlplane
