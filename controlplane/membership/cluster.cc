#include "controlplane/membership/cluster.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/overloaded.h"
#include "controlplane/membership/key_ring.h"
#include "controlplane/membership/place.h"

namespace lb::controlplane::swim {
namespace {

// What Serf's agents say of themselves; without it they would not merge.
constexpr uint8_t kSerfDelegateMin = 2;
constexpr uint8_t kSerfDelegate = 5;
constexpr char kVersionTag[] = "lb";
constexpr char kRoleTag[] = "role";
constexpr char kUsageTag[] = "usage";
constexpr char kLifeTag[] = "life";
constexpr char kRole[] = "lb-controlplane";
// No member has this name.
constexpr char kIntentKey[] = "";

// Whether one can become the other without a leave.
bool SameMember(const ClusterConfig& a, const ClusterConfig& b) {
  return a.bind_addr == b.bind_addr && a.usage_bind_addr == b.usage_bind_addr &&
         a.advertise_addr == b.advertise_addr && a.name == b.name && a.label == b.label &&
         a.serf_delegate == b.serf_delegate;
}

}  // namespace

Cluster::Cluster(std::string name, std::string version, Life life, uint64_t seed)
    : default_name_(std::move(name)),
      version_(std::move(version)),
      life_(life),
      seed_(seed),
      talk_(~seed) {}

std::string Cluster::NameOfSelf() const {
  return config_ && !config_->name.empty() ? config_->name : default_name_;
}

void Cluster::SetConfig(const std::optional<ClusterConfig>& config, Instant now,
                        std::vector<ClusterAction>& actions) {
  if (config == config_) return;
  const bool same = config && config_ && SameMember(*config, *config_) && !stays_away_;
  const std::vector<std::string> keys_before = talk_.keys().keys();
  config_ = config;
  strangers_.Clear();
  stays_away_ = false;
  const bool dropped = config ? talk_.keys().SetConfigured(config->keys) : talk_.keys().Clear();
  if (dropped) actions.push_back(KeyOrdersDropped{});
  changed_ = true;
  if (same) {
    if (talk_.keys().keys() != keys_before && open_) actions.push_back(SetGossipKeys{Keys()});
    return;
  }
  // Without a label and keys nothing more is said of them, also while it says good-bye.
  if (!config_) talk_.End(actions);
  Go(config_ ? After::kOpen : After::kClose, now, actions);
}

void Cluster::Leave(Instant now, std::vector<ClusterAction>& actions) {
  Go(After::kTellOfIt, now, actions);
}

void Cluster::StayAway(Instant now, std::vector<ClusterAction>& actions) {
  if (!config_ || stays_away_) return;
  stays_away_ = true;
  Go(After::kClose, now, actions);
}

void Cluster::Restore(Stored stored) {
  talk_.keys().Restore(std::move(stored.keys));
  talk_.book().Restore(stored.query_time);
}

void Cluster::Go(After after, Instant now, std::vector<ClusterAction>& actions) {
  const bool going = after_ != After::kNothing;
  // The process ends, whatever else is to become of the member.
  if (after_ != After::kTellOfIt) after_ = after;
  if (going) return;
  const bool alone =
      !swim_ || std::count_if(swim_->members().begin(), swim_->members().end(),
                              [](const auto& one) { return one.second.alive(); }) <= 1;
  if (alone) return WhenGone(now, actions);
  if (swim_->serf()) {
    ToSwim(Tell{kIntentKey, clock_.LeaveIntent(swim_->name())}, now, actions);
    leave_at_ = now + kIntentLead;
  } else {
    ToSwim(swim::Leave{}, now, actions);
  }
}

void Cluster::WhenGone(Instant now, std::vector<ClusterAction>& actions) {
  leave_at_.reset();
  swim_.reset();
  talk_.End(actions);
  clocks_told_.clear();
  switch (std::exchange(after_, After::kNothing)) {
    case After::kNothing:
      break;
    case After::kTellOfIt:
      actions.push_back(LeftCluster{});
      break;
    case After::kOpen:
      Open(now, actions);
      break;
    case After::kClose:
      Close(actions);
      break;
  }
}

void Cluster::Close(std::vector<ClusterAction>& actions) {
  open_ = opening_ = false;
  retry_at_.reset();
  problem_.clear();
  ++generation_;
  actions.push_back(CloseGossip{});
}

void Cluster::Open(Instant, std::vector<ClusterAction>& actions) {
  open_ = false;
  opening_ = true;
  retry_at_.reset();
  actions.push_back(OpenGossip{++generation_, config_->bind_addr, config_->advertise_addr,
                               config_->usage_bind_addr, Keys()});
}

void Cluster::Take(const GossipOpened& opened, Instant now, std::vector<ClusterAction>& actions) {
  if (opened.generation != generation_ || !opening_) return;
  opening_ = false;
  open_ = opened.status.ok();
  if (!open_) {
    problem_ = std::string(opened.status.message());
    retry_at_ = now + retry_delay_;
    retry_delay_ = std::min<Duration>(2 * retry_delay_, kLastRetry);
    return;
  }
  problem_.clear();
  retry_delay_ = kFirstRetry;
  swim_.emplace(SwimOptions(opened), seed_++, now);
  TellClocks(now, actions);
  ToSwim(swim::SetSeeds{seeds_}, now, actions);
  if (const auto addresses = std::exchange(call_when_open_, {}); !addresses.empty())
    ToSwim(swim::Call{addresses}, now, actions);
}

Options Cluster::SwimOptions(const GossipOpened& opened) const {
  Options options;
  options.name = NameOfSelf();
  options.address = opened.address;
  options.meta = EncodeTags({{kRoleTag, kRole},
                             {kVersionTag, version_},
                             {kUsageTag, absl::StrCat(opened.usage_port)},
                             {kLifeTag, absl::StrCat(absl::Hex(life_, absl::kZeroPad16))}});
  if (config_->serf_delegate) {
    options.versions.delegate_min = kSerfDelegateMin;
    options.versions.delegate_max = options.versions.delegate = kSerfDelegate;
  }
  options.serf = config_->serf_delegate;
  // Keys may be added later.
  options.seal_overhead =
      KeyRing::kOverhead + (config_->label.empty() ? 0 : 2 + config_->label.size());
  return options;
}

void Cluster::SetSeeds(std::vector<Address> seeds, std::vector<std::string> missing, Instant now,
                       std::vector<ClusterAction>& actions) {
  seeds_missing_ = std::move(missing);
  if (seeds == seeds_) return;
  seeds_ = std::move(seeds);
  ToSwim(swim::SetSeeds{seeds_}, now, actions);
}

void Cluster::Join(const std::vector<Address>& addresses, Instant now,
                   std::vector<ClusterAction>& actions) {
  if (!stays_away_) return ToSwim(swim::Call{addresses}, now, actions);
  stays_away_ = false;
  call_when_open_ = addresses;
  Go(After::kOpen, now, actions);
}

template <typename Do>
void Cluster::Talk(Instant now, std::vector<ClusterAction>& actions, const Do& what) {
  if (!swim_ || !config_) return;
  std::vector<Tell> tell;
  const Address address = swim_->members().at(swim_->name()).node.address;
  KeyTalk::Turn turn{now, swim_->name(), address, config_->label, swim_->members(), tell, actions};
  const uint64_t time_before = talk_.book().time();
  what(turn);
  changed_ |= talk_.book().time() != time_before;
  for (Tell& one : tell) ToSwim(std::move(one), now, actions);
  TellClocks(now, actions);
}

void Cluster::AskKeys(uint64_t round, KeyVerb verb, const std::string& key, Instant now,
                      std::vector<ClusterAction>& actions) {
  // It may have gone since somebody ordered this.
  if (!can_ask_keys()) return actions.push_back(KeysAnswered{round, {}});
  Talk(now, actions, [&](KeyTalk::Turn& turn) { talk_.Ask(round, verb, key, turn); });
}

void Cluster::Hear(const std::string& message, Instant now, std::vector<ClusterAction>& actions) {
  clock_.Witness(message);
  // Among members of memberlist alone a message of this form is something else.
  if (swim_ && swim_->serf())
    Talk(now, actions, [&](KeyTalk::Turn& turn) { talk_.Hear(message, turn); });
}

// Serf's agents go by the clocks of those whose tables they get.
void Cluster::TellClocks(Instant now, std::vector<ClusterAction>& actions) {
  if (!swim_ || !swim_->serf()) return;
  std::string clocks = EncodeClocks({clock_.time(), talk_.book().time()});
  if (clocks == clocks_told_) return;
  clocks_told_ = clocks;
  ToSwim(SetState{std::move(clocks)}, now, actions);
}

bool Cluster::Forget(const std::string& name) { return swim_ && swim_->Forget(name); }

void Cluster::Handle(const ClusterEvent& event, Instant now, std::vector<ClusterAction>& actions) {
  std::visit([&](const auto& one) { Take(one, now, actions); }, event);
}

void Cluster::Take(const Dropped& dropped, Instant now, std::vector<ClusterAction>& actions) {
  dropped_.totals = dropped.totals;
  std::set<std::string> peers;
  for (const Address& seed : seeds_) peers.insert(seed.ip);
  strangers_.Note(dropped.strangers, peers, now);
  if (auto news = strangers_.TakeNews(now)) actions.push_back(StrangersHeard{*std::move(news)});
}

void Cluster::Take(const TimerFired& fired, Instant now, std::vector<ClusterAction>& actions) {
  if (retry_at_ && *retry_at_ <= now) Open(now, actions);
  if (leave_at_ && *leave_at_ <= now) {
    leave_at_.reset();
    ToSwim(swim::Leave{}, now, actions);
  }
  Talk(now, actions, [&](KeyTalk::Turn& turn) { talk_.Step(turn); });
  if (auto news = strangers_.TakeNews(now)) actions.push_back(StrangersHeard{*std::move(news)});
  ToSwim(fired, now, actions);
}

void Cluster::ToSwim(const Event& event, Instant now, std::vector<ClusterAction>& actions) {
  if (!swim_) {
    // Whoever sent it waits for an answer.
    if (const auto* in = std::get_if<StreamIn>(&event))
      actions.push_back(StreamReply{in->stream, std::nullopt});
    return;
  }
  std::vector<Action> done;
  swim_->Handle(event, now, done);
  for (Action& action : done) FromSwim(action, now, actions);
}

void Cluster::FromSwim(Action& action, Instant now, std::vector<ClusterAction>& actions) {
  std::visit(Overloaded{
                 [&](UserIn& user) { Hear(user.payload, now, actions); },
                 [&](Gone&) { WhenGone(now, actions); },
                 [&](MemberNotice& notice) {
                   if (notice.kind == MemberNotice::Kind::kJoined)
                     strangers_.Forgive(notice.address.ip);
                   if (notice.kind == MemberNotice::Kind::kConflict) {
                     if (now < conflict_told_at_ + kConflictEvery) return;
                     conflict_told_at_ = now;
                   }
                   actions.push_back(std::move(notice));
                 },
                 [&](auto& other) { actions.push_back(std::move(other)); },
             },
             action);
}

Instant Cluster::NextDeadline() const {
  Instant next = std::min({retry_at_.value_or(Instant::max()), leave_at_.value_or(Instant::max()),
                           strangers_.NextDeadline()});
  if (swim_) next = std::min(next, talk_.NextDeadline());
  return swim_ ? std::min(next, swim_->NextDeadline()) : next;
}

size_t Cluster::seeds() const {
  const Member* const self = swim_ ? &swim_->members().at(swim_->name()) : nullptr;
  const auto others = std::count_if(seeds_.begin(), seeds_.end(), [&](const Address& seed) {
    return self == nullptr || !SamePlace(seed, self->node.address);
  });
  return static_cast<size_t>(others) + seeds_missing_.size();
}

std::vector<Cluster::Host> Cluster::Hosts() const {
  std::vector<Host> hosts;
  if (!swim_) return hosts;
  for (const auto& [name, member] : swim_->members()) {
    if (member.gone() || name == swim_->name()) continue;
    const Tags tags = DecodeTags(member.node.meta);
    const auto usage = tags.find(kUsageTag);
    const auto life = tags.find(kLifeTag);
    if (usage == tags.end() || life == tags.end()) continue;
    Host host{name, member.node.address, 0};
    uint32_t port = 0;
    if (!absl::SimpleAtoi(usage->second, &port) || port == 0 || port > UINT16_MAX) continue;
    if (!absl::SimpleHexAtoi(life->second, &host.life)) continue;
    host.usage_address.port = static_cast<uint16_t>(port);
    hosts.push_back(std::move(host));
  }
  return hosts;
}

ClusterStatus Cluster::Status(Instant now) const {
  ClusterStatus status;
  if (!config_) return status;
  status.enabled = true;
  status.name = NameOfSelf();
  status.label = config_->label;
  status.keys = talk_.keys().Marks();
  status.keys_ordered = talk_.keys().differ();
  status.stays_away = stays_away_;
  status.serf = swim_ ? swim_->serf() : config_->serf_delegate;
  status.problem = problem_;
  status.address = config_->bind_addr;
  status.open = talk_.keys().keys().empty() && !IsLoopback(config_->bind_addr);
  status.seeds_missing = seeds_missing_;
  status.bad_packets.assign(dropped_.totals.begin(), dropped_.totals.end());
  status.strangers = strangers_.Look(now);
  if (!swim_) return status;
  // It may be another one while it goes.
  status.name = swim_->name();
  const auto add = [&](const NodeState& node, Instant changed_at) {
    const Tags tags = DecodeTags(node.meta);
    const auto version = tags.find(kVersionTag);
    status.members.push_back({node.name, EndpointOf(node.address), node.state, node.incarnation,
                              changed_at, version == tags.end() ? "" : version->second});
  };
  // Who was forgotten stays in the table for a while, so that old news does not bring it back.
  for (const auto& [name, member] : swim_->members())
    if (!member.gone() || name == status.name || swim_->departed().count(name) != 0)
      add(member.node, member.changed_at);
  for (const auto& [name, gone] : swim_->departed())
    if (swim_->members().count(name) == 0) add(gone.node, gone.at);
  std::sort(status.members.begin(), status.members.end(),
            [](const MemberStatus& a, const MemberStatus& b) { return a.name < b.name; });
  status.address = EndpointOf(swim_->members().at(status.name).node.address);
  status.awareness = swim_->awareness();
  status.queued = swim_->queued();
  status.counters = swim_->counters();
  for (const Address& seed : seeds_) {
    const auto here = [&](const auto& one) {
      return !one.second.gone() && SamePlace(one.second.node.address, seed);
    };
    if (std::none_of(swim_->members().begin(), swim_->members().end(), here))
      status.seeds_missing.push_back(EndpointOf(seed).ToString());
  }
  return status;
}

}  // namespace lb::controlplane::swim
