#include "controlplane/membership/prober.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "controlplane/membership/message_codec.h"

namespace lb::controlplane::swim {
namespace {

// Members of these versions take pings by TCP, and answer with a nack.
constexpr uint8_t kTcpPingVersion = 3;
constexpr uint8_t kNackVersion = 4;

bool Speaks(const Member& member, uint8_t version) {
  return member.node.versions && member.node.versions->protocol_max >= version;
}

}  // namespace

void Prober::Start(Turn& turn) {
  tick_ = turn.now + shared_.Part(shared_.options.timing.probe_interval);
}

Instant Prober::NextDeadline() const {
  Instant next = tick_;
  if (probe_)
    next = std::min(next, probe_->indirect ? probe_->deadline
                                           : std::min(probe_->direct_until, probe_->deadline));
  for (const auto& [seq_no, relay] : relays_)
    next = std::min(next, relay.nack_at.value_or(relay.until));
  return next;
}

void Prober::Step(Turn& turn) {
  StepRelays(turn);
  if (probe_ && turn.now >= probe_->deadline)
    End(probe_->tcp_answered, turn);
  else if (probe_ && !probe_->indirect && turn.now >= probe_->direct_until)
    AskOthers(turn);
  if (tick_ > turn.now) return;
  while (tick_ <= turn.now) tick_ += shared_.options.timing.probe_interval;
  if (probe_)
    tick_waits_ = true;
  else
    Begin(turn);
}

void Prober::Begin(Turn& turn) {
  if (shared_.leaving) return;
  const Timing& timing = shared_.options.timing;
  const Member* const member = shared_.table.NextToProbe(
      [&](const Member& one) { return !one.gone() && !shared_.IsSelf(one.node.name); },
      [&](const Member& one) {
        return one.gone() && turn.now - one.changed_at > timing.gossip_to_the_dead;
      },
      [](const Member&) {}, shared_.prng);
  if (member == nullptr) return;
  ++shared_.counters.probes;
  const Options& options = shared_.options;
  probe_ = Probe{.seq_no = shared_.NextSeqNo(),
                 .target = member->node.name,
                 .direct_until = turn.now + timing.probe_timeout,
                 .deadline = turn.now + timing.probe_interval * (shared_.awareness() + 1)};
  std::string ping = Encode(Ping{probe_->seq_no, member->node.name, options.address, options.name});
  if (member->alive()) return shared_.Send(member->node.address, std::move(ping), turn);
  // Whoever is suspected must hear of it to refute.
  std::string suspect = Encode(Suspect{member->node.incarnation, member->node.name, options.name});
  shared_.SendParts(*member, {std::move(ping), std::move(suspect)}, turn);
}

void Prober::AskOthers(Turn& turn) {
  probe_->indirect = true;
  const Member* const target = shared_.table.Find(probe_->target);
  if (target == nullptr) return;
  const Options& options = shared_.options;
  for (const Member* const relay : shared_.table.Pick(
           options.timing.indirect_checks,
           [&](const Member& one) {
             return one.alive() && !shared_.IsSelf(one.node.name) && &one != target;
           },
           shared_.prng)) {
    const bool nack = Speaks(*relay, kNackVersion);
    probe_->nacks_wanted += nack ? 1 : 0;
    shared_.Send(relay->node.address,
                 Encode(IndirectPing{probe_->seq_no, target->node.name, target->node.address, nack,
                                     options.address, options.name}),
                 turn);
  }
  if (!options.tcp_ping || !Speaks(*target, kTcpPingVersion)) return;
  probe_->tcp = shared_.NextExchange();
  turn.actions.push_back(
      StartExchange{probe_->tcp, target->node.address,
                    Ping{probe_->seq_no, target->node.name, options.address, options.name},
                    std::max<Duration>(probe_->deadline - turn.now, Duration(1))});
}

void Prober::End(bool answered, Turn& turn) {
  if (answered)
    shared_.AddAwareness(-1);
  else
    Fail(turn);
  probe_.reset();
  if (!std::exchange(tick_waits_, false)) return;
  Begin(turn);
}

void Prober::Fail(Turn& turn) {
  ++shared_.counters.probes_failed;
  // Relays that are not heard either say that the trouble is here.
  const int missing = probe_->nacks_wanted - probe_->nacks;
  shared_.AddAwareness(probe_->nacks_wanted > 0 ? missing : 1);
  failed_ = Failed{probe_->seq_no, turn.now + kLateNacks, missing};
  if (turn.now - probe_->deadline > kHeldUp) return;
  const Member* const member = shared_.table.Find(probe_->target);
  if (member == nullptr || member->gone()) return;
  rumors_.Take(Suspect{member->node.incarnation, probe_->target, shared_.options.name}, turn);
}

void Prober::StepRelays(Turn& turn) {
  for (auto it = relays_.begin(); it != relays_.end();) {
    Relay& relay = it->second;
    if (relay.nack_at && *relay.nack_at <= turn.now) {
      Answer(relay.asker, Encode(Nack{relay.seq_no}), turn);
      relay.nack_at.reset();
    }
    it = relay.until <= turn.now ? relays_.erase(it) : std::next(it);
  }
}

// Others must not be able to make this member send to wherever they like.
Prober::Asker Prober::AskerOf(const std::string& node, const Address& given,
                              const Address& from) const {
  const Member* const member = shared_.IsSelf(node) ? nullptr : shared_.table.Find(node);
  const auto is_place = [&](const Address& address) {
    return member != nullptr && SamePlace(member->node.address, address);
  };
  if (!given.ip.empty() && given.port != 0 && is_place(given)) return {given, true};
  return {from, is_place(from)};
}

void Prober::Answer(const Asker& asker, std::string message, Turn& turn) {
  if (asker.is_member)
    shared_.Send(asker.address, std::move(message), turn);
  else
    shared_.SendAlone(asker.address, std::move(message), turn);
}

void Prober::Take(const Ping& ping, const Address& from, Turn& turn) {
  if (!ping.node.empty() && !shared_.IsSelf(ping.node)) return;
  Answer(AskerOf(ping.source_node, ping.source, from), Encode(Ack{ping.seq_no}), turn);
}

void Prober::Take(const IndirectPing& ping, const Address& from, Turn& turn) {
  const Member* const target = shared_.table.Find(ping.node);
  Address at = ping.target;
  if (at.port == 0) at.port = shared_.options.address.port;
  if (target == nullptr || !SamePlace(target->node.address, at)) return;
  if (relays_.size() >= kMaxRelays) return;
  const Options& options = shared_.options;
  const uint32_t seq_no = shared_.NextSeqNo();
  Relay relay{ping.seq_no, AskerOf(ping.source_node, ping.source, from), std::nullopt,
              turn.now + options.timing.probe_timeout};
  if (ping.nack) relay.nack_at = turn.now + options.timing.probe_timeout * kNackTenths / 10;
  relays_.emplace(seq_no, std::move(relay));
  shared_.Send(target->node.address, Encode(Ping{seq_no, ping.node, options.address, options.name}),
               turn);
}

void Prober::Take(const Ack& ack, Turn& turn) {
  if (probe_ && probe_->seq_no == ack.seq_no) return End(true, turn);
  const auto relay = relays_.find(ack.seq_no);
  if (relay == relays_.end()) return;
  Answer(relay->second.asker, Encode(Ack{relay->second.seq_no}), turn);
  relays_.erase(relay);
}

void Prober::Take(const Nack& nack, Turn& turn) {
  if (probe_ && probe_->seq_no == nack.seq_no) {
    probe_->nacks = std::min(probe_->nacks + 1, probe_->nacks_wanted);
  } else if (failed_ && failed_->seq_no == nack.seq_no && failed_->until >= turn.now &&
             failed_->nacks_missing > 0) {
    --failed_->nacks_missing;
    shared_.AddAwareness(-1);
  }
}

bool Prober::Take(const ExchangeDone& done) {
  if (!probe_ || probe_->tcp == 0 || probe_->tcp != done.exchange) return false;
  const Ack* const ack = done.answer ? std::get_if<Ack>(&*done.answer) : nullptr;
  probe_->tcp_answered = ack != nullptr && ack->seq_no == probe_->seq_no;
  return true;
}

}  // namespace lb::controlplane::swim
