#include "controlplane/loop/usage_turn.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "controlplane/loop/host_datagrams.h"
#include "controlplane/loop/ticket_turn.h"

namespace lb::controlplane {
namespace {

// Without other hosts.
void BeginAnew(Parts& parts, Turn& turn) {
  parts.usage.Begin(turn.now);
  parts.shared_bandwidths.Begin(parts.bandwidths);
  parts.hosts_are_new = true;
}

void SetSlotSelf(Parts& parts, Turn& turn) {
  const std::optional<ClusterConfig>& config = parts.cluster->config();
  if (!config) return parts.slots.SetSelf(std::nullopt, turn.now);
  SlotExchange::Settings settings;
  settings.seeds = parts.cluster->seeds();
  settings.open = parts.cluster->keys().keys().empty();
  settings.roster.away = parts.cluster->stays_away();
  settings.local = config->on_partition == ClusterConfig::OnPartition::kLocal;
  if (config->forget_after) settings.roster.forget_after = *config->forget_after;
  parts.slots.SetSettings(settings);
  parts.slots.SetSelf(parts.cluster->ConfiguredName(), turn.now);
}

// Whoever left by order, or has no sockets, has its part of limits as one whom no other host hears.
void LoseUsageHosts(Parts& parts, Turn& turn) {
  const std::vector<HostChannel::Host> hosts = parts.channel.hosts();
  for (const HostChannel::Host& host : hosts) {
    parts.usage.Failed(host.name, turn.now);
    parts.slots.Failed(host.name, turn.now);
  }
  if (parts.channel.SetHosts({})) parts.hosts_are_new = true;
}

}  // namespace

void SetUsageSelf(Parts& parts, Turn& turn) {
  // Whoever goes must not have its workers told that they are alone now.
  if (parts.stopping) return;
  SetSlotSelf(parts, turn);
  const std::optional<ClusterConfig>& config = parts.cluster->config();
  parts.rates.SetOvercommit(config ? config->overcommit_thousandths / 1'000.0
                                   : RateParts::kOvercommit);
  if (!config) {
    if (parts.channel.SetSelf(std::nullopt)) BeginAnew(parts, turn);
    return;
  }
  const std::string name = parts.cluster->ConfiguredName();
  parts.usage.SetSettings(
      {.minority_has_all = config->on_partition == ClusterConfig::OnPartition::kLocal ||
                           config->minority == ClusterConfig::Minority::kFull,
       .reclaim_after = config->reclaim_after ? Duration(*config->reclaim_after)
                                              : HostBook::Settings().reclaim_after});
  if (parts.channel.SetSelf(HostChannel::Self{name, parts.cluster->life(), config->label,
                                              parts.cluster->keys().keys()}))
    BeginAnew(parts, turn);
  parts.usage.SetSeeds(parts.cluster->seeds());
  if (parts.cluster->Name().empty()) LoseUsageHosts(parts, turn);
}

void SetUsageHosts(Parts& parts) {
  if (parts.stopping) return;
  std::vector<HostChannel::Host> hosts;
  for (swim::Cluster::Host& host : parts.cluster->Hosts())
    hosts.push_back({std::move(host.name), std::move(host.usage_address), host.life});
  parts.hosts_are_new |= parts.channel.SetHosts(std::move(hosts));
  // Also where they are as before: one may have been taken for dead in between, in the same turn.
  parts.usage.NoteHosts();
  parts.slots.NoteHosts();
}

void NoteForUsage(const swim::MemberNotice& notice, Parts& parts, Turn& turn) {
  if (parts.stopping) return;
  if (notice.kind == swim::MemberNotice::Kind::kFailed) {
    parts.usage.Failed(notice.name, turn.now);
    parts.slots.Failed(notice.name, turn.now);
    parts.bandwidths.ForgetHost(notice.name);
  }
  if (notice.kind == swim::MemberNotice::Kind::kLeft) {
    parts.usage.Left(notice.name, parts.rates);
    parts.slots.Left(notice.name, turn.now);
    parts.bandwidths.ForgetHost(notice.name);
  }
}

void OnHostWord(const std::string& datagram, Parts& parts, Turn& turn) {
  std::optional<HostChannel::Word> word = parts.channel.Open(datagram);
  if (!word) return;
  switch (word->kind()) {
    case HostWordKind::kUsage:
      parts.usage.Receive(*word, parts.rates, turn.now);
      return;
    case HostWordKind::kSlots:
      parts.slots.Receive(*word, turn.now);
      return;
    case HostWordKind::kBandwidth:
      parts.shared_bandwidths.Receive(*word, parts.bandwidths, turn.now);
      return;
    case HostWordKind::kTickets:
      OnTicketWord(*word, parts, turn);
      return;
  }
  parts.channel.CountMalformed();
}

void StepUsage(Parts& parts, Turn& turn) {
  parts.usage_deadline = Instant::max();
  if (parts.stopping) return;
  std::vector<HostChannel::Datagram> datagrams;
  parts.usage.Step(parts.rates, turn.now, datagrams);
  parts.slots.Step(turn.now, datagrams);
  parts.shared_bandwidths.Step(parts.bandwidths, turn.now, datagrams);
  SendToHosts(std::move(datagrams), turn);
  parts.usage_deadline =
      std::min({parts.usage.NextDeadline(parts.rates, turn.now), parts.slots.NextDeadline(turn.now),
                parts.shared_bandwidths.NextDeadline(parts.bandwidths, turn.now)});
}

}  // namespace lb::controlplane
