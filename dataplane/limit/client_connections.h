// The open connections of each client of one rule, and how many it may have in this worker.
//
// A worker that is alone lets every client have the whole cap. One of several lets a quiet client
// have its part of it, and a client that the control plane knows has what it was granted
// (controlplane/budget/client_slot_ledger.h). A client is kept while it has a connection or a
// grant. Threading: TryHold, Look and the end of a Hold on any thread; the rest on the control
// thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/endpoint.h"
#include "base/mutex.h"
#include "base/time.h"
#include "dataplane/limit/client_prefix.h"

namespace lb::dataplane {

class ClientConnections final : public std::enable_shared_from_this<ClientConnections> {
 public:
  // Clients kept; with more, new ones are refused. Each has a connection, but for granted ones, so
  // descriptors are to end before.
  static constexpr size_t kMaxClients = 2'000'000;

  // Clients that wait to be reported; others are when they change again.
  static constexpr size_t kMaxNews = 65'536;

  // One open connection of a client, until it is destroyed.
  class Hold final {
   public:
    ~Hold() { of_->Return(client_); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    friend class ClientConnections;
    Hold(std::shared_ptr<ClientConnections> of, ClientPrefix client)
        : of_(std::move(of)), client_(client) {}

    const std::shared_ptr<ClientConnections> of_;
    const ClientPrefix client_;
  };

  // What every client may have.
  struct Cap {
    uint32_t slots = 0;        // With a grant, at least 1.
    uint32_t quiet_slots = 0;  // Without one, at least 1.
    uint32_t report_from = 0;  // Connections of a client that are reported; 0: none are.

    friend bool operator==(const Cap&, const Cap&) = default;
  };
  // What one client may have until then.
  struct Grant {
    uint32_t slots = 0;  // 0: no more than are open.
    uint64_t seq = 0;
    Instant until;
  };
  // How one client stands.
  struct Use {
    ClientPrefix client = 0;
    uint32_t held = 0;
    uint32_t slots = 0;
    uint32_t refused = 0;  // Since it was reported last; counted while clients are reported.
    uint64_t seq = 0;      // Of its grant; 0: none in this session.
  };

  explicit ClientConnections(const Cap& cap);

  // One connection more of the client, or nullptr: it has as many as it may have.
  std::unique_ptr<Hold> TryHold(const SocketAddress& client);
  Use Look(const SocketAddress& client) const;

  // From now on; none that is open is closed. Where none are reported, news are forgotten.
  void SetCap(const Cap& cap);
  void SetGrant(ClientPrefix client, const Grant& grant);
  // Ends grants that were not renewed. Call it every 100 ms or so.
  void EndGrants(Instant now);
  // Begins a session: all that is to be reported is news, and no grant was applied in it.
  void TellAll();
  // What is to be reported and changed since it was told, at most `most`; the rest comes next time.
  std::vector<Use> TakeNews(size_t most);

  size_t clients() const;

 private:
  static constexpr size_t kShards = 16;
  struct Client {
    uint32_t held = 0;
    uint32_t granted = 0;
    uint32_t refused = 0;
    bool has_grant = false;
    bool is_news = false;
    uint64_t seq = 0;
  };
  struct alignas(64) Shard {
    mutable Mutex mutex;
    Cap cap ABSL_GUARDED_BY(mutex);
    absl::flat_hash_map<ClientPrefix, Client> clients ABSL_GUARDED_BY(mutex);
    std::vector<ClientPrefix> news ABSL_GUARDED_BY(mutex);  // Each client at most once.
  };

  Shard& ShardOf(ClientPrefix client);
  const Shard& ShardOf(ClientPrefix client) const;
  bool Take(ClientPrefix client);
  void Return(ClientPrefix client);
  static bool HasRoomFor(ClientPrefix client, const Shard& shard)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);
  static uint32_t SlotsOf(const Client& client, const Cap& cap);
  static void DropNews(Shard& shard) ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);
  // Makes it news where it is to be reported.
  static void Note(ClientPrefix prefix, Client& client, Shard& shard)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);
  // Forgets it where nothing is to be remembered.
  static void Prune(ClientPrefix prefix, Shard& shard) ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);
  static void TakeNews(Shard& shard, size_t most, std::vector<Use>& out);

  std::array<Shard, kShards> shards_;
  std::map<ClientPrefix, Instant> grants_;  // When they end. The control thread's.
  size_t first_told_ = 0;                   // The shard that is told first. The control thread's.
};

}  // namespace lb::dataplane
