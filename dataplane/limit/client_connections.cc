#include "dataplane/limit/client_connections.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace lb::dataplane {
namespace {

// Neighbours are told apart by their last bits, networks by their first.
size_t Fold(ClientPrefix client) {
  return static_cast<size_t>((client * 0x9e3779b97f4a7c15u) >> 32);
}

}  // namespace

ClientConnections::ClientConnections(const Cap& cap) { SetCap(cap); }

std::unique_ptr<ClientConnections::Hold> ClientConnections::TryHold(const SocketAddress& client) {
  const ClientPrefix prefix = PrefixOf(client, {});
  if (!Take(prefix)) return nullptr;
  return std::unique_ptr<Hold>(new Hold(shared_from_this(), prefix));
}

bool ClientConnections::Take(ClientPrefix client) {
  Shard& shard = ShardOf(client);
  const MutexLock lock(shard.mutex);
  if (!HasRoomFor(client, shard)) return false;
  Client& entry = shard.clients[client];
  const bool admitted = entry.held < SlotsOf(entry, shard.cap);
  if (admitted) {
    ++entry.held;
  } else if (shard.cap.report_from > 0) {
    ++entry.refused;
  }
  Note(client, entry, shard);
  return admitted;
}

void ClientConnections::Return(ClientPrefix client) {
  Shard& shard = ShardOf(client);
  const MutexLock lock(shard.mutex);
  const auto found = shard.clients.find(client);
  LB_CHECK(found != shard.clients.end() && found->second.held > 0);
  --found->second.held;
  Note(client, found->second, shard);
  Prune(client, shard);
}

ClientConnections::Use ClientConnections::Look(const SocketAddress& client) const {
  const ClientPrefix prefix = PrefixOf(client, {});
  const Shard& shard = ShardOf(prefix);
  const MutexLock lock(shard.mutex);
  const auto found = shard.clients.find(prefix);
  const Client entry = found == shard.clients.end() ? Client{} : found->second;
  return {prefix, entry.held, SlotsOf(entry, shard.cap), entry.refused, entry.seq};
}

void ClientConnections::SetCap(const Cap& cap) {
  LB_CHECK(cap.slots > 0 && cap.quiet_slots > 0);
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    if (shard.cap == cap) continue;
    shard.cap = cap;
    if (cap.report_from == 0) DropNews(shard);
    for (auto& [prefix, client] : shard.clients) Note(prefix, client, shard);
  }
}

void ClientConnections::SetGrant(ClientPrefix client, const Grant& grant) {
  Shard& shard = ShardOf(client);
  const MutexLock lock(shard.mutex);
  if (!HasRoomFor(client, shard)) return;
  Client& entry = shard.clients[client];
  const bool news = !entry.has_grant || entry.seq != grant.seq;
  entry.has_grant = true;
  entry.granted = grant.slots;
  entry.seq = grant.seq;
  if (news) Note(client, entry, shard);
  grants_[client] = grant.until;
}

void ClientConnections::EndGrants(Instant now) {
  for (auto it = grants_.begin(); it != grants_.end();) {
    if (it->second > now) {
      ++it;
      continue;
    }
    Shard& shard = ShardOf(it->first);
    const MutexLock lock(shard.mutex);
    const auto found = shard.clients.find(it->first);
    LB_CHECK(found != shard.clients.end() && found->second.has_grant);
    found->second.has_grant = false;
    found->second.seq = 0;
    Note(it->first, found->second, shard);
    Prune(it->first, shard);
    it = grants_.erase(it);
  }
}

void ClientConnections::TellAll() {
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    for (auto& [prefix, client] : shard.clients) {
      client.seq = 0;
      Note(prefix, client, shard);
    }
  }
}

std::vector<ClientConnections::Use> ClientConnections::TakeNews(size_t most) {
  std::vector<Use> out;
  const size_t first = first_told_++;
  for (size_t i = 0; i < kShards; ++i) TakeNews(shards_[(first + i) % kShards], most, out);
  return out;
}

void ClientConnections::TakeNews(Shard& shard, size_t most, std::vector<Use>& out) {
  const MutexLock lock(shard.mutex);
  while (!shard.news.empty() && out.size() < most) {
    const ClientPrefix prefix = shard.news.back();
    shard.news.pop_back();
    Client& client = shard.clients.at(prefix);
    client.is_news = false;
    out.push_back({prefix, client.held, SlotsOf(client, shard.cap), client.refused, client.seq});
    client.refused = 0;
    Prune(prefix, shard);
  }
}

size_t ClientConnections::clients() const {
  size_t count = 0;
  for (const Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    count += shard.clients.size();
  }
  return count;
}

ClientConnections::Shard& ClientConnections::ShardOf(ClientPrefix client) {
  return shards_[Fold(client) % kShards];
}

const ClientConnections::Shard& ClientConnections::ShardOf(ClientPrefix client) const {
  return shards_[Fold(client) % kShards];
}

bool ClientConnections::HasRoomFor(ClientPrefix client, const Shard& shard) {
  return shard.clients.size() < kMaxClients / kShards || shard.clients.contains(client);
}

uint32_t ClientConnections::SlotsOf(const Client& client, const Cap& cap) {
  return client.has_grant ? std::min(client.granted, cap.slots) : cap.quiet_slots;
}

void ClientConnections::DropNews(Shard& shard) {
  for (const ClientPrefix prefix : std::exchange(shard.news, {})) {
    Client& client = shard.clients.at(prefix);
    client.is_news = false;
    client.refused = 0;
    Prune(prefix, shard);
  }
}

void ClientConnections::Note(ClientPrefix prefix, Client& client, Shard& shard) {
  const uint32_t from = shard.cap.report_from;
  if (client.is_news || from == 0 || shard.news.size() >= kMaxNews / kShards) return;
  if (!client.has_grant && client.refused == 0 && client.held < from) return;
  client.is_news = true;
  shard.news.push_back(prefix);
}

void ClientConnections::Prune(ClientPrefix prefix, Shard& shard) {
  const auto found = shard.clients.find(prefix);
  const Client& client = found->second;
  if (client.held == 0 && !client.has_grant && !client.is_news) shard.clients.erase(found);
}

}  // namespace lb::dataplane
