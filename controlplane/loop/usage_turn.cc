#include "controlplane/loop/usage_turn.h"

#include <utility>
#include <vector>

namespace lb::controlplane {

void SetUsageSelf(Parts& parts, Turn& turn) {
  // Whoever goes must not have its workers told that they are alone now.
  if (parts.stopping) return;
  const std::optional<ClusterConfig>& config = parts.cluster->config();
  const std::string name = parts.cluster->Name();
  if (!config || name.empty()) {
    if (parts.channel.SetSelf(std::nullopt)) parts.usage.Begin(turn.now);
    return;
  }
  parts.usage.SetSettings(
      {.minority_has_all = config->on_partition == ClusterConfig::OnPartition::kLocal ||
                           config->minority == ClusterConfig::Minority::kFull,
       .reclaim_after = config->reclaim_after ? Duration(*config->reclaim_after)
                                              : HostBook::Settings().reclaim_after});
  if (parts.channel.SetSelf(
          HostChannel::Self{name, parts.cluster->life(), config->label, config->keys}))
    parts.usage.Begin(turn.now);
  parts.usage.SetSeeds(parts.cluster->seeds());
}

void SetUsageHosts(Parts& parts) {
  if (parts.stopping) return;
  std::vector<HostChannel::Host> hosts;
  for (swim::Cluster::Host& host : parts.cluster->Hosts())
    hosts.push_back({std::move(host.name), std::move(host.usage_address), host.life});
  if (parts.channel.SetHosts(std::move(hosts))) parts.usage.NoteHosts();
}

void NoteForUsage(const swim::MemberNotice& notice, Parts& parts, Turn& turn) {
  if (parts.stopping) return;
  if (notice.kind == swim::MemberNotice::Kind::kFailed) parts.usage.Failed(notice.name, turn.now);
  if (notice.kind == swim::MemberNotice::Kind::kLeft) parts.usage.Left(notice.name, parts.rates);
}

void OnHostWord(const std::string& datagram, Parts& parts, Turn& turn) {
  const std::optional<HostChannel::Word> word = parts.channel.Open(datagram);
  if (!word) return;
  switch (word->kind()) {
    case HostWordKind::kUsage:
      parts.usage.Receive(*word, parts.rates, turn.now);
      return;
    case HostWordKind::kSlots:
    case HostWordKind::kTickets:
      break;
  }
  parts.channel.CountMalformed();
}

void StepUsage(Parts& parts, Turn& turn) {
  if (parts.stopping) return;
  std::vector<HostChannel::Datagram> datagrams;
  parts.usage.Step(parts.rates, turn.now, datagrams);
  for (HostChannel::Datagram& datagram : datagrams)
    turn.actions.push_back(
        GossipOut{swim::SendUsage{std::move(datagram.to), std::move(datagram.bytes)}});
  parts.usage_deadline = parts.usage.NextDeadline(parts.rates, turn.now);
}

}  // namespace lb::controlplane
