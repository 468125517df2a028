#include "controlplane/tls/shared_tickets.h"

#include <algorithm>
#include <array>
#include <utility>

#include "controlplane/tls/ticket_word.h"

namespace lb::controlplane {
namespace {

bool InTime(const TicketKey& key, Instant now) { return now - key.made < TicketRing::kRotateEvery; }

}  // namespace

SharedTickets::SharedTickets(std::string seed, Instant now)
    : ring_(std::move(seed)),
      began_(now),
      told_at_(now - kNewsAfter),
      tell_at_(now),
      hurry_until_(now) {}

void SharedTickets::SetPlace(bool joins, const std::string& self, Instant now) {
  if (joins == joins_ && self == self_) return;
  joins_ = joins;
  self_ = self;
  // Whoever has another name, or was not there, has heard nobody.
  for (auto& [name, peer] : peers_) peer = Peer{.life = peer.life};
  dirty_ = true;
  NoteNews(now);
}

void SharedTickets::SetHosts(const std::vector<Host>& hosts, Instant now) {
  std::map<std::string, Peer> peers;
  for (const Host& host : hosts) {
    const auto before = peers_.find(host.name);
    if (before != peers_.end() && before->second.life == host.life)
      peers.insert(peers_.extract(before));
    else
      peers.emplace(host.name, Peer{.life = host.life});
  }
  peers_ = std::move(peers);
  dirty_ = true;
  NoteNews(now);
}

bool SharedTickets::Receive(const std::string& host, std::string_view text, Instant now) {
  const std::optional<std::vector<TicketKey>> keys = DecodeTickets(text, now);
  if (!keys) return false;
  const auto peer = peers_.find(host);
  if (!is_member() || peer == peers_.end() || !ring_.can_make()) return true;
  dirty_ = true;
  peer->second.heard = true;
  peer->second.has.clear();
  for (const TicketKey& key : *keys) {
    peer->second.has.insert(key.name);
    // One that is about to go would come back from each host that is a little behind.
    if (now - key.made >= TicketRing::kOpensFor - kSettlesAfter && ring_.Find(key.name) == nullptr)
      continue;
    changed_ |= ring_.Adopt(key);
  }
  return true;
}

bool SharedTickets::Step(Instant now) {
  if (!dirty_ && now < step_at_) return false;
  dirty_ = false;
  changed_ |= ring_.Expire(now);
  if (now >= MakeAt()) {
    ring_.Make(now);
    changed_ = true;
  }
  const bool new_keys = changed_;
  Settle(now);
  changed_ |= ChooseSealer(now);
  if (new_keys) NoteNews(now);
  step_at_ = StepDeadline(now);
  return std::exchange(changed_, false);
}

std::optional<std::string> SharedTickets::TakeWord(Instant now) {
  if (!has_peers() || !ring_.can_make() || now < tell_at_) return std::nullopt;
  told_at_ = now;
  const bool all_have = std::all_of(ring_.keys().begin(), ring_.keys().end(),
                                    [&](const TicketKey& key) { return AllHave(key.name); });
  // Without a key, others wait for this word before they make one.
  const bool hurries = now < hurry_until_ && (ring_.empty() || !all_have);
  tell_at_ = now + (hurries ? kAgainAfter : kEvery);
  return EncodeTickets(ring_.keys(), now);
}

Instant SharedTickets::NextDeadline() const {
  return has_peers() && ring_.can_make() ? std::min(step_at_, tell_at_) : step_at_;
}

worker::v1::TicketKeys SharedTickets::Keys() const {
  worker::v1::TicketKeys keys;
  const auto add = [&](const TicketKey& key) {
    worker::v1::TicketKeys::Key& to = *keys.add_keys();
    to.set_name(key.name);
    to.set_secret(key.secret);
  };
  if (const TicketKey* const seals = sealer(); seals != nullptr) add(*seals);
  for (const TicketKey& key : ring_.keys())
    if (key.name != sealer_) add(key);
  return keys;
}

bool SharedTickets::shared() const {
  return has_peers() && sealer() != nullptr && AllHave(sealer_);
}

bool SharedTickets::AllHave(const std::string& name) const {
  return std::all_of(peers_.begin(), peers_.end(),
                     [&](const auto& peer) { return peer.second.has.contains(name); });
}

Instant SharedTickets::MakeAt() const {
  if (!ring_.can_make()) return Instant::max();
  const Instant due = ring_.empty() ? began_ : ring_.keys().front().made + TicketRing::kRotateEvery;
  if (!joins_) return due;
  const Instant learned = std::max(due, began_ + kLearnFor);
  if (!has_peers()) return learned;
  const auto rank = std::distance(peers_.begin(), peers_.lower_bound(self_));
  if (rank > 0) return learned + rank * kStandInAfter;
  const bool all_heard =
      std::all_of(peers_.begin(), peers_.end(), [](const auto& peer) { return peer.second.heard; });
  return all_heard ? due : learned;
}

void SharedTickets::NoteNews(Instant now) {
  tell_at_ = std::min(tell_at_, std::max(now, told_at_ + kNewsAfter));
  hurry_until_ = now + kHurryFor;
}

// A key that came this moment is on its way to the workers of others, even where all have it.
void SharedTickets::Settle(Instant now) {
  std::map<std::string, Standing> standings;
  for (const TicketKey& key : ring_.keys()) {
    const auto before = standings_.find(key.name);
    Standing standing = before == standings_.end() ? Standing{.known = now} : before->second;
    const Duration known_for = now - standing.known;
    standing.settled |=
        !has_peers() || known_for >= kSettlesAfter || (known_for >= kEvery && AllHave(key.name));
    standings.emplace(key.name, standing);
  }
  standings_ = std::move(standings);
}

// Of those that may seal: the oldest one whose time is not over, so that who joins changes nothing
// for the others; where there is none, the newest. A host that has just learned the keys takes
// those that must have sealed before for settled, and any at all rather than none.
bool SharedTickets::ChooseSealer(Instant now) {
  const auto settled = [&](const TicketKey& key) { return standings_.at(key.name).settled; };
  const auto not_new = [&](const TicketKey& key) { return now - key.made >= kSettlesAfter; };
  const TicketKey* best = nullptr;
  const auto choose = [&](const auto& may_seal) {
    if (best != nullptr) return;
    for (const TicketKey& key : ring_.keys())
      if (may_seal(key) && (best == nullptr || InTime(key, now))) best = &key;
  };
  choose(settled);
  choose(not_new);
  choose([](const TicketKey&) { return true; });
  const std::string name = best == nullptr ? "" : best->name;
  if (name == sealer_) return false;
  if (!sealer_.empty() && !name.empty()) ++rotations_;
  sealer_ = name;
  return true;
}

Instant SharedTickets::StepDeadline(Instant now) const {
  Instant next = MakeAt();
  for (const TicketKey& key : ring_.keys()) {
    const Standing& standing = standings_.at(key.name);
    std::array<Instant, 4> times{key.made + TicketRing::kRotateEvery,
                                 key.made + TicketRing::kOpensFor, Instant::max(), Instant::max()};
    if (!standing.settled) {
      times[2] = standing.known + kEvery;
      times[3] = standing.known + kSettlesAfter;
    }
    for (const Instant time : times)
      if (time > now) next = std::min(next, time);
  }
  return next;
}

}  // namespace lb::controlplane
