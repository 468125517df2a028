#include "controlplane/membership/exchanger.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace lb::controlplane::swim {

void Exchanger::Start(Turn& turn) {
  const Timing& timing = shared_.options.timing;
  push_pull_at_ = turn.now + timing.push_pull_interval + shared_.Part(timing.push_pull_interval);
  reconnect_at_ = turn.now + shared_.Part(timing.reconnect_interval);
}

Instant Exchanger::NextDeadline() const {
  if (shared_.leaving) return Instant::max();
  Instant next = std::min({push_pull_at_, reconnect_at_, burst_at_, join_at_});
  if (!follow_ups_.empty()) next = std::min(next, follow_ups_.front().at);
  return next;
}

void Exchanger::Step(Turn& turn) {
  if (shared_.leaving) return;
  const Timing& timing = shared_.options.timing;
  if (join_at_ <= turn.now) CallSeeds(turn);
  if (push_pull_at_ <= turn.now) {
    push_pull_at_ = turn.now + PushPullInterval(timing.push_pull_interval, shared_.table.size());
    CallSomebody(turn);
  }
  if (reconnect_at_ <= turn.now) {
    reconnect_at_ = turn.now + timing.reconnect_interval;
    CallLost(turn);
  }
  while (!follow_ups_.empty() && follow_ups_.front().at <= turn.now) {
    const Address to = follow_ups_.front().to;
    follow_ups_.erase(follow_ups_.begin());
    Begin(to, false, turn);
  }
  StepAfterBurst(turn);
}

// Gossip sends each piece of news a few times, and of very many at once some reach nobody new.
void Exchanger::StepAfterBurst(Turn& turn) {
  const Timing& timing = shared_.options.timing;
  const bool burst = shared_.queue.size() > kBurst;
  if (burst && burst_at_ == Instant::max()) {
    // The more members, the longer the table and the more of them that exchange theirs.
    burst_delay_ = PushPullInterval(kAfterBurst, shared_.table.size());
    burst_at_ = turn.now + burst_delay_ / 2 + shared_.Part(burst_delay_ / 2);
  }
  if (burst_at_ > turn.now) return;
  CallSomebody(turn);
  if (!burst) burst_delay_ *= 2;
  burst_at_ = burst_delay_ >= timing.push_pull_interval
                  ? Instant::max()
                  : turn.now + burst_delay_ / 2 + shared_.Part(burst_delay_ / 2);
}

PushPull Exchanger::Table(bool join) const {
  PushPull table{.join = join, .nodes = {}, .user_state = shared_.user_state};
  table.nodes.reserve(shared_.table.size());
  for (const auto& [name, member] : shared_.table.all()) table.nodes.push_back(member.node);
  return table;
}

void Exchanger::Begin(const Address& to, bool join, Turn& turn) {
  if (exchanges_.size() >= kMaxExchanges) return;
  const ExchangeId exchange = shared_.NextExchange();
  exchanges_.emplace(exchange, to);
  ++shared_.counters.exchanges;
  turn.actions.push_back(
      StartExchange{exchange, to, Table(join), shared_.options.timing.tcp_timeout});
}

bool Exchanger::IsHere(const Address& address) const {
  const auto& all = shared_.table.all();
  return std::any_of(all.begin(), all.end(), [&](const auto& one) {
    return !one.second.gone() && SamePlace(one.second.node.address, address);
  });
}

void Exchanger::Take(const SetSeeds& seeds, Turn& turn) {
  const std::vector<Address> before = std::exchange(seeds_, seeds.seeds);
  const bool alone = shared_.table.CountAlive() <= 1;
  join_delay_ = kFirstRetry;
  join_at_ = seeds_.empty() || !alone ? Instant::max() : turn.now;
  if (!alone) CallNewSeeds(before, turn);
}

// Those that are named while this member has company. Members of a large cluster, to all of which a
// DNS name tells of a new one, must not call it all at once.
void Exchanger::CallNewSeeds(const std::vector<Address>& before, Turn& turn) {
  const size_t alive = shared_.table.CountAlive();
  size_t called = 0;
  for (const Address& seed : seeds_) {
    if (called == kMaxNewSeeds) return;
    if (std::find(before.begin(), before.end(), seed) != before.end() || IsHere(seed)) continue;
    if (!shared_.prng.Chance(std::min(alive, kCallersOfNewSeed), alive)) continue;
    Begin(seed, true, turn);
    ++called;
  }
}

void Exchanger::Take(const Call& call, Turn& turn) {
  for (const Address& address : call.addresses) Begin(address, true, turn);
}

void Exchanger::CallSeeds(Turn& turn) {
  join_at_ = Instant::max();
  if (shared_.table.CountAlive() > 1) return;
  join_delay_ = std::min<Duration>(2 * join_delay_, kLastRetry);
  join_at_ = turn.now + join_delay_ / 2 + shared_.Part(join_delay_ / 2);
  const size_t begin = seeds_.empty() ? 0 : shared_.prng.Below(seeds_.size());
  for (size_t i = 0; i < std::min(seeds_.size(), kMaxExchanges); ++i) {
    const Address& seed = seeds_[(begin + i) % seeds_.size()];
    if (!IsHere(seed)) Begin(seed, true, turn);
  }
}

std::vector<Address> Exchanger::Lost(Instant now) {
  std::vector<Address> lost;
  for (auto it = shared_.departed.begin(); it != shared_.departed.end();) {
    if (now - it->second.at > shared_.options.timing.forget_after) {
      it = shared_.departed.erase(it);
      continue;
    }
    if (it->second.node.state == State::kDead) lost.push_back(it->second.node.address);
    ++it;
  }
  for (const Address& seed : seeds_)
    if (!IsHere(seed)) lost.push_back(seed);
  return lost;
}

void Exchanger::CallLost(Turn& turn) {
  if (shared_.table.CountAlive() <= 1 && !seeds_.empty() && join_at_ == Instant::max())
    join_at_ = turn.now;
  const std::vector<Address> lost = Lost(turn.now);
  const size_t alive = std::max<size_t>(shared_.table.CountAlive(), 1);
  // All members together call each of them about once in an interval.
  if (lost.empty() || !shared_.prng.Chance(std::min(lost.size(), alive), alive)) return;
  Begin(lost[shared_.prng.Below(lost.size())], false, turn);
}

void Exchanger::CallSomebody(Turn& turn) {
  const std::vector<Member*> somebody = shared_.table.Pick(
      1, [&](const Member& one) { return one.alive() && !shared_.IsSelf(one.node.name); },
      shared_.prng);
  if (!somebody.empty()) Begin(somebody.front()->node.address, false, turn);
}

void Exchanger::Take(const ExchangeDone& done, Turn& turn) {
  const auto it = exchanges_.find(done.exchange);
  if (it == exchanges_.end()) return;
  const Address to = std::move(it->second);
  exchanges_.erase(it);
  const PushPull* const table = done.answer ? std::get_if<PushPull>(&*done.answer) : nullptr;
  if (table == nullptr) {
    ++shared_.counters.exchanges_failed;
    return;
  }
  const bool was_here = IsHere(to);
  rumors_.Merge(*table, turn);
  if (was_here || follow_ups_.size() >= kMaxFollowUps) return;
  follow_ups_.push_back({turn.now + kFollowUp, to});
}

void Exchanger::Answer(StreamId stream, const PushPull& table, Turn& turn) {
  turn.actions.push_back(StreamReply{stream, Table(table.join)});
  rumors_.Merge(table, turn);
}

}  // namespace lb::controlplane::swim
