#include "controlplane/budget/slot_exchange.h"

#include <algorithm>
#include <iterator>

namespace lb::controlplane {
namespace {

// Limits whose news go into one word.
constexpr size_t kNewsOfWord = 16;
// A row with more moves may have come in parts: then what is missing says nothing.
constexpr size_t kMovesOfWholeRow = 32;

}  // namespace

void SlotExchange::SetSelf(const std::optional<std::string>& name, Instant now) {
  if (name == name_) return;
  name_ = name;
  roster_.reset();
  rounds_.clear();
  round_texts_.clear();
  foreign_.clear();
  foreign_missed_at_.reset();
  seen_ = {};
  for (auto& [id, limit] : limits_) {
    limit.others.clear();
    limit.gifts.clear();
    limit.since = now;
    limit.settled = limit.sure = limit.at_once = false;
  }
  plan_at_ = Instant();
  if (!name) return;
  roster_.emplace(*name, now);
  for (const std::string& host : std::exchange(restored_, {})) roster_->Restore(host, now);
  UseSettings();
  tell_at_ = round_at_ = now;
}

void SlotExchange::SetSettings(const Settings& settings) {
  if (settings == settings_) return;
  settings_ = settings;
  plan_all_at_ = Instant();
  UseSettings();
}

void SlotExchange::UseSettings() {
  if (!on()) return;
  roster_->SetSettings(settings_.roster);
  roster_->SetSeeds(settings_.seeds);
}

void SlotExchange::SetLimits(const LiveRules& rules, Instant now) {
  std::map<LimitId, std::pair<BackendKey, uint64_t>> wanted;
  plan_at_ = plan_all_at_ = Instant();
  for (const auto& [key, slots] : std::exchange(beyond_, {})) unshared_.insert(key);
  for (const LiveRule& rule : rules) {
    if (!rule.share_backend_limits) continue;
    for (const LiveBackend& backend : rule.backends) {
      if (backend.max_connections == 0) continue;
      const BackendKey key{rule.name, backend.name};
      if (wanted.size() < kMaxLimits)
        wanted[IdOfLimit(key)] = {key, backend.max_connections};
      else
        beyond_[key] = backend.max_connections;
    }
  }
  for (auto& [id, limit] : limits_) {
    if (limit.slots == 0 || wanted.contains(id)) continue;
    limit.slots = 0;
    limit.since = now;
    limit.gifts.clear();
    limit.others.clear();
    unshared_.insert(limit.key);
  }
  const bool sure = IsSure(now);
  for (const auto& [id, entry] : wanted) {
    const auto [at, is_new] = limits_.try_emplace(id);
    Limit& limit = at->second;
    limit.key = entry.first;
    if (is_new) Adopt(id, limit, sure, now);
    unshared_.erase(limit.key);
    if (limit.slots == 0) {
      limit.since = now;
      limit.settled = false;
      limit.sure = sure;
    }
    if (std::exchange(limit.slots, entry.second) != entry.second) news_.insert(id);
  }
}

void SlotExchange::NoteHosts() {
  if (!on()) return;
  for (const HostChannel::Host& host : channel_.hosts()) {
    roster_->Joined(host.name);
    const HostId id = IdOfHost(host.name);
    Round& round = rounds_[id];
    if (round.life == host.life) continue;
    round = Round{.life = host.life};
    roster_->Reborn(host.name);
    for (auto& [limit_id, limit] : limits_) limit.others.erase(id);
  }
}

void SlotExchange::Failed(const std::string& host, Instant now) {
  if (on()) roster_->Failed(host, now);
}

void SlotExchange::Left(const std::string& host, Instant now) {
  if (on()) roster_->Left(host, now);
}

void SlotExchange::Forget(const std::string& host) {
  if (!on()) return;
  roster_->Forget(host);
  for (auto& [id, limit] : limits_) limit.others.erase(IdOfHost(host));
}

bool SlotExchange::Receive(const HostChannel::Word& received, Instant now) {
  if (!on()) return false;
  const std::optional<SlotWord> word = DecodeSlots(received.text);
  if (!word) {
    channel_.CountMalformed();
    return false;
  }
  if (!roster_->Heard(received.host, now)) return false;
  const HostId sender = IdOfHost(received.host);
  if (word->round != 0) NoteRound(sender, *word, now);
  for (const ToldSlots& told : word->told) TakeTold(sender, told, now);
  return true;
}

void SlotExchange::NoteRound(HostId host, const SlotWord& word, Instant now) {
  Round& round = rounds_[host];
  if (word.part == 0) {
    round.number = word.round;
    round.parts = 0;
    round.began_at = now;
  }
  if (word.round != round.number || word.part != round.parts) return;
  ++round.parts;
  if (!word.last) return;
  round.complete_since = round.began_at;
  round.complete_number = round.number;
}

void SlotExchange::TakeTold(HostId sender, const ToldSlots& told, Instant now) {
  const auto it = limits_.find(told.limit);
  if (it == limits_.end()) return NoteForeign(sender, told, now);
  Limit& limit = it->second;
  if (limit.slots == 0) {
    // It may return.
    if (!settings_.open || told.host == sender) changed_ |= limit.rights.Merge(told.host, told.row);
    return;
  }
  if (told.host == sender) {
    if (told.need) {
      Told& known = limit.others[sender];
      if (known.need != *told.need || known.round == 0) limit.due = true;
      known.need = *told.need;
      known.at = now;
      known.round = std::max<uint64_t>(1, rounds_[sender].number);
      if (told.complete) known.complete_at = now;
    }
    const bool whole = told.row.given.size() + told.row.seized.size() <= kMovesOfWholeRow;
    if (whole && limit.rights.Exceeds(sender, told.row)) {
      limit.behind.insert(sender);
      news_.insert(told.limit);
    } else {
      limit.behind.erase(sender);
    }
  }
  // Where nobody has to show a key, only the host itself says what it did.
  if (settings_.open && told.host != sender) return;
  const HostId self = roster_->self();
  const int64_t before = limit.rights.RightsOf(self);
  if (!limit.rights.Merge(told.host, told.row)) return;
  changed_ = limit.due = true;
  const int64_t after = limit.rights.RightsOf(self);
  if (before <= 0 && after > 0) limit.gained_at = now;
  if (after != before) news_.insert(told.limit);
}

// What is to be said of a limit: what this host did, what those did that cannot say it themselves,
// and what those did that forgot it, or may have: of this limit they said nothing yet.
std::vector<ToldSlots> SlotExchange::RowsOf(LimitId id, const Limit& limit,
                                            const std::set<HostId>& heard) const {
  const HostId self = roster_->self();
  std::vector<ToldSlots> out{{.limit = id, .host = self, .row = {}}};
  if (limit.slots != 0) out.front().need = limit.need;
  for (const auto& [host, row] : limit.rights.rows()) {
    if (host == self)
      out.front().row = row;
    else if (!heard.contains(host) || !IsParty(limit, host) || limit.behind.contains(host))
      out.push_back({.limit = id, .host = host, .row = row});
  }
  return out;
}

std::vector<std::string> SlotExchange::TakeTexts(Instant now) {
  const SlotRoster::Side side = roster_->Look(now);
  std::set<HostId> heard(side.hosts.begin(), side.hosts.end());
  std::vector<ToldSlots> news;
  for (size_t i = 0; i < kNewsOfWord && !news_.empty(); ++i) {
    const auto at = limits_.find(*news_.begin());
    news_.erase(news_.begin());
    if (at == limits_.end() || at->second.slots == 0) continue;
    Limit& limit = at->second;
    limit.told_need = limit.need;
    for (ToldSlots& row : RowsOf(at->first, limit, heard)) news.push_back(std::move(row));
  }
  std::vector<std::string> texts;
  if (!news.empty()) texts = EncodeSlots(0, news);
  if (round_texts_.empty() && now >= round_at_) {
    round_at_ = now + kRoundEvery;
    // Somebody may not hear one that this host hears: what that one did is passed on, of another
    // one in each round.
    heard.erase(side.hosts[round_ % side.hosts.size()]);
    std::vector<ToldSlots> all;
    // Also of those that left the configuration: what is told is all that this host knows.
    for (const auto& [id, limit] : limits_)
      for (ToldSlots& row : RowsOf(id, limit, heard)) all.push_back(std::move(row));
    for (std::string& text : EncodeSlots(++round_, all)) round_texts_.push_back(std::move(text));
  }
  for (size_t i = 0; i < kTextsPerWord && !round_texts_.empty(); ++i) {
    texts.push_back(std::move(round_texts_.front()));
    round_texts_.pop_front();
  }
  return texts;
}

void SlotExchange::Step(Instant now, std::vector<HostChannel::Datagram>& out) {
  if (!on()) return;
  const bool news = !news_.empty() && now >= told_at_ + kNewsAfter;
  if (!news && now < tell_at_) return;
  tell_at_ = now + kEvery;
  if (channel_.hosts().empty()) return;
  told_at_ = now;
  for (const std::string& text : TakeTexts(now)) channel_.ToAll(text, out);
}

Instant SlotExchange::NextDeadline(Instant now) const {
  if (!on() || (limits_.empty() && channel_.hosts().empty())) return Instant::max();
  // That there is none is told, too.
  if (limits_.empty()) return std::max({tell_at_, round_at_, now});
  const bool news = !news_.empty() && !channel_.hosts().empty();
  const Instant next = news ? std::min<Instant>(tell_at_, told_at_ + kNewsAfter) : tell_at_;
  return std::max(next, now);
}

void SlotExchange::Restore(const state::v1::StoredState& state) {
  restored_ = {state.shared_hosts().begin(), state.shared_hosts().end()};
  if (restored_.size() > SlotRights::kMaxHosts) restored_.resize(SlotRights::kMaxHosts);
  for (const state::v1::StoredState::SharedLimit& stored : state.shared_limits()) {
    const BackendKey key{stored.rule(), stored.backend()};
    if (limits_.size() >= kMaxLimits) return;
    Limit& limit = limits_[IdOfLimit(key)];
    limit.key = key;
    for (const host::v1::SlotRow& row : stored.rows())
      if (ToldSlots one; RestoreSlots(row, one)) limit.rights.Merge(one.host, one.row);
  }
}

void SlotExchange::Store(state::v1::StoredState& state) const {
  // Nobody has to know of hosts that share nothing with this one.
  const bool shares = std::any_of(limits_.begin(), limits_.end(), [](const auto& entry) {
    return !entry.second.rights.rows().empty();
  });
  if (shares && on())
    for (const std::string& host : roster_->Names()) state.add_shared_hosts(host);
  for (const auto& [id, limit] : limits_) {
    if (limit.rights.rows().empty()) continue;
    state::v1::StoredState::SharedLimit& stored = *state.add_shared_limits();
    stored.set_rule(limit.key.rule);
    stored.set_backend(limit.key.backend);
    for (const auto& [host, row] : limit.rights.rows())
      StoreSlots({.limit = id, .host = host, .row = row}, *stored.add_rows());
  }
}

}  // namespace lb::controlplane
