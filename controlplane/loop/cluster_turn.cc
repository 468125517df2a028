#include "controlplane/loop/cluster_turn.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "base/overloaded.h"
#include "base/utf8.h"
#include "controlplane/admin/member_answers.h"
#include "controlplane/loop/key_turn.h"
#include "controlplane/loop/usage_turn.h"
#include "controlplane/membership/place.h"

namespace lb::controlplane {
namespace {

using Kind = swim::MemberNotice::Kind;

void EmitNotice(const swim::MemberNotice& notice, Turn& turn) {
  const std::string resource = MemberName(notice.name);
  const LogFields fields{{"member", CutUtf8(notice.name, notice.name.size())},
                         {"address", swim::EndpointOf(notice.address).ToString()}};
  switch (notice.kind) {
    case Kind::kJoined:
      return turn.Emit("member.joined", resource, LogLevel::kInfo, "a member is here", fields);
    case Kind::kFailed:
      return turn.Emit("member.failed", resource, LogLevel::kWarn,
                       "a member does not answer and is taken for dead", fields);
    case Kind::kLeft:
      return turn.Emit("member.left", resource, LogLevel::kInfo, "a member has left", fields);
    case Kind::kConflict:
      return turn.Emit("member.conflict", resource, LogLevel::kError,
                       "another host uses the name of a member; it is ignored", fields);
    case Kind::kRefuted:
      return turn.Log(LogLevel::kWarn, "other members did not hear from this one for a while", {});
    case Kind::kSuspected:
      return turn.Log(LogLevel::kDebug, "a member does not answer", fields);
    case Kind::kUpdated:
      return;
  }
}

void CarryOut(swim::SetGossipKeys& set, Turn& turn) {
  // Whoever changes keys goes on when all members have them.
  turn.Log(LogLevel::kInfo, "other keys of the cluster are in force",
           {{"keys", absl::StrCat(set.keys.keys.size())}});
  turn.actions.push_back(GossipOut{std::move(set)});
  turn.dirty = turn.urgent = true;
}

void CarryOn(std::vector<swim::ClusterAction>& actions, Parts& parts, Turn& turn) {
  SetUsageSelf(parts, turn);
  turn.dirty |= parts.cluster->TakeChanged();
  bool other_members = false;
  for (swim::ClusterAction& action : actions)
    std::visit(Overloaded{
                   [&](swim::MemberNotice& notice) {
                     other_members = true;
                     NoteForUsage(notice, parts, turn);
                     EmitNotice(notice, turn);
                   },
                   [&](swim::SetGossipKeys& set) { CarryOut(set, turn); },
                   [&](swim::KeysOrdered& ordered) { EmitKeysOrdered(ordered, turn); },
                   [&](swim::KeysAnswered& answered) { OnKeysAnswered(answered, parts, turn); },
                   [&](swim::KeyOrdersDropped&) {
                     turn.Emit("cluster.keys_dropped", "", LogLevel::kWarn,
                               "the configuration has other keys: those set by order hold no more",
                               {});
                   },
                   [&](swim::StrangersHeard& heard) {
                     turn.Emit("cluster.stranger", "", LogLevel::kWarn, std::move(heard.text), {});
                   },
                   [&](auto& other) { turn.actions.push_back(GossipOut{std::move(other)}); },
               },
               action);
  actions.clear();
  if (other_members) SetUsageHosts(parts);
}

// Says that others can reach this host now, or why not.
void LogOpening(const swim::ClusterStatus& cluster, const std::string& problem_before, Turn& turn) {
  const LogFields fields{{"address", cluster.address.ToString()}};
  if (!cluster.problem.empty()) {
    if (cluster.problem != problem_before)
      turn.Log(LogLevel::kError, "this host is no member of the cluster; it is tried again",
               {{"error", cluster.problem}});
    return;
  }
  turn.Log(LogLevel::kInfo, "this host is a member of the cluster", fields);
  if (cluster.open)
    turn.Log(LogLevel::kWarn,
             "the cluster has no key: whoever reaches it hears what members say, and is believed",
             fields);
}

const std::vector<Endpoint>& PeersOf(const Parts& parts) {
  static const std::vector<Endpoint> kNone;
  return parts.config && parts.config->cluster ? parts.config->cluster->peers : kNone;
}

void UpdateSeeds(Parts& parts, std::vector<swim::ClusterAction>& actions, Turn& turn) {
  std::vector<swim::Address> seeds;
  std::vector<std::string> missing;
  for (const Endpoint& peer : PeersOf(parts)) {
    if (peer.kind() == Endpoint::Kind::kIp) {
      seeds.push_back(swim::AddressOf(peer));
      continue;
    }
    const auto found = parts.resolver.addresses().find(peer);
    if (found == parts.resolver.addresses().end() || found->second.empty()) {
      missing.push_back(peer.ToString());
      continue;
    }
    for (const Endpoint& address : found->second) seeds.push_back(swim::AddressOf(address));
  }
  parts.cluster->SetSeeds(std::move(seeds), std::move(missing), turn.now, actions);
}

void TakeOrders(Parts& parts, std::vector<swim::ClusterAction>& actions, Turn& turn) {
  MemberOrders orders = std::exchange(parts.member_orders, {});
  for (const std::string& name : orders.forget) {
    parts.cluster->Forget(name);
    parts.slots.Forget(name);
  }
  for (MemberOrders::Keys& keys : orders.keys)
    parts.cluster->AskKeys(keys.round, keys.verb, keys.key, turn.now, actions);
  if (orders.leave) {
    turn.Emit("cluster.left", "", LogLevel::kInfo, "this host leaves the cluster by order",
              {{"member", CutUtf8(parts.cluster->Name(), parts.cluster->Name().size())}});
    parts.cluster->StayAway(turn.now, actions);
  }
  if (orders.join.empty()) return;
  std::vector<swim::Address> addresses;
  for (const Endpoint& address : orders.join) addresses.push_back(swim::AddressOf(address));
  parts.cluster->Join(addresses, turn.now, actions);
}

}  // namespace

void SetNamesInUse(Parts& parts, Turn& turn) {
  std::vector<Endpoint> names = NamesInUse(*parts.config);
  for (const Endpoint& peer : PeersOf(parts))
    if (!peer.IsResolved()) names.push_back(peer);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  parts.resolver.SetNames(names, parts.config->dns, turn.now);
}

void OnGossip(const GossipIn& event, Parts& parts, Turn& turn) {
  if (const auto* usage = std::get_if<swim::UsageIn>(&event.event)) {
    OnHostWord(usage->bytes, parts, turn);
    return;
  }
  std::vector<swim::ClusterAction> actions;
  const bool opened = std::holds_alternative<swim::GossipOpened>(event.event);
  const std::string problem = opened ? parts.cluster->Status(turn.now).problem : "";
  parts.cluster->Handle(event.event, turn.now, actions);
  if (opened) LogOpening(parts.cluster->Status(turn.now), problem, turn);
  CarryOn(actions, parts, turn);
}

void OnStopping(Parts& parts, Turn& turn) {
  parts.stopping = true;
  std::vector<swim::ClusterAction> actions;
  parts.cluster->Leave(turn.now, actions);
  CarryOn(actions, parts, turn);
}

void StepCluster(Parts& parts, Turn& turn) {
  std::vector<swim::ClusterAction> actions;
  if (turn.refresh && parts.config) {
    parts.cluster->SetConfig(parts.config->cluster, turn.now, actions);
    UpdateSeeds(parts, actions, turn);
  }
  TakeOrders(parts, actions, turn);
  if (parts.cluster->NextDeadline() <= turn.now)
    parts.cluster->Handle(swim::TimerFired{}, turn.now, actions);
  CarryOn(actions, parts, turn);
}

Instant NextClusterDeadline(const Parts& parts) {
  return std::min(parts.cluster->NextDeadline(), parts.usage_deadline);
}

}  // namespace lb::controlplane
