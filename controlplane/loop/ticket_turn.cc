#include "controlplane/loop/ticket_turn.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controlplane/loop/host_datagrams.h"
#include "controlplane/snapshot/features.h"
#include "controlplane/tls/ticket_ring.h"

namespace lb::controlplane {
namespace {

// Who the hosts are that have the same keys. Over a channel that is open, whoever listens would
// have them too: there this host is alone.
void SetPlace(Parts& parts, Instant now) {
  const std::optional<ClusterConfig>& config = parts.cluster->config();
  const HostChannel::Self* const self = parts.channel.self();
  const bool is_member = self != nullptr && !self->keys.empty();
  // Before a configuration is known, there may be a cluster.
  const bool joins = !parts.config || (config && !config->keys.empty());
  parts.tickets->SetPlace(joins, joins && is_member ? self->name : "", now);
  if (!std::exchange(parts.hosts_are_new, false)) return;
  std::vector<SharedTickets::Host> hosts;
  for (const HostChannel::Host& host : parts.channel.hosts())
    hosts.push_back({host.name, host.life});
  parts.tickets->SetHosts(hosts, now);
}

void TellHosts(Parts& parts, Turn& turn) {
  std::optional<std::string> word = parts.tickets->TakeWord(turn.now);
  if (!word) return;
  std::vector<HostChannel::Datagram> datagrams;
  parts.channel.ToAll(*word, datagrams);
  WipeSecret(*word);
  SendToHosts(std::move(datagrams), turn);
}

}  // namespace

void OnTicketWord(HostChannel::Word& word, Parts& parts, Turn& turn) {
  const HostChannel::Self* const self = parts.channel.self();
  const bool sealed = self != nullptr && !self->keys.empty();
  if (!sealed || !parts.tickets->Receive(word.host, word.text, turn.now))
    parts.channel.CountMalformed();
  WipeSecret(word.text);
}

void StepTickets(Parts& parts, Turn& turn) {
  // Whoever goes must not go on as if it were alone.
  if (parts.stopping) return;
  SetPlace(parts, turn.now);
  const uint64_t rotations = parts.tickets->rotations();
  if (parts.tickets->Step(turn.now))
    for (const auto& [session, key] : parts.workers.sessions())
      SendTicketKeys(session, parts, turn);
  if (parts.tickets->rotations() != rotations)
    turn.Emit("ticket_key.rotated", "", LogLevel::kInfo, "another key seals TLS session tickets",
              {{"keys", absl::StrCat(parts.tickets->size())},
               {"shared", parts.tickets->shared() ? "yes" : "no"}});
  TellHosts(parts, turn);
}

Instant NextTicketDeadline(const Parts& parts) {
  return parts.stopping ? Instant::max() : parts.tickets->NextDeadline();
}

void SendTicketKeys(SessionId session, Parts& parts, Turn& turn) {
  const WorkerRecord* const worker = parts.workers.FindSession(session);
  if (parts.tickets->empty() || worker == nullptr || !worker->Knows(kFeatureTls)) return;
  worker::v1::ConnectResponse message;
  *message.mutable_ticket_keys() = parts.tickets->Keys();
  turn.Send(session, std::move(message));
}

}  // namespace lb::controlplane
