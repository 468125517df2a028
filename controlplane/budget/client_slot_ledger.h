// The connections that each client may have open, shared out over the workers of the host: reports
// in, grants out.
//
// A worker that is alone has the whole cap and reports nothing. Of several, each lets a quiet
// client have an even part, at least 1. A client that holds half of it somewhere, or was refused,
// is known here: each worker gets what the client holds there and a part of what is free, by who
// was refused. Nobody gets more before the one who gets less has said that it keeps to it.
//
// What holds: in one worker a client never has more than the cap. Over workers that all have a
// stream it never has more than the cap or, where the cap is smaller than their number, one in
// each. What may pass that for a while: when a worker is added, what begins there until a report
// interval is over, at most its even part. A worker whose grants ran out, for want of a stream or
// of a control plane that renews them, has its even part again, whatever the client holds
// elsewhere. A client refused above its even part has to wait for two report intervals before it
// gets more. Pure; threading: none.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "controlplane/stream/worker_key.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

class ClientSlotLedger final {
 public:
  static constexpr std::chrono::seconds kGrantTtl{2};
  // A refusal is a need for so long.
  static constexpr std::chrono::milliseconds kNeedFor{1000};
  // Clients that are shared out, over all rules; others go on with even parts.
  static constexpr size_t kMaxShared = 65'536;
  // Grants in one message.
  static constexpr int kMaxGrants = 2'000;

  struct ToWorker {
    WorkerKey worker;
    worker::v1::ConnectResponse message;
  };

  // How many connections a client may have open, by rule; each at least 1.
  void SetLimits(std::map<std::string, uint64_t> limits, Instant now);

  // How many workers there are, and those of them that have a stream.
  void SetWorkers(size_t all, std::set<WorkerKey> connected, Instant now);
  // Its stream has ended; what it was granted may still count there.
  void Disconnect(const WorkerKey& worker) { connected_.erase(worker); }
  // Its process is gone.
  void Forget(const WorkerKey& worker, Instant now);

  // Takes a report; what it says of rules that are not there is left out.
  void Report(const WorkerKey& worker, const worker::v1::RateReport& report, Instant now);

  // What is to be sent now.
  std::vector<ToWorker> Settle(Instant now);
  // When Settle has something to do next; Instant::max(): when something happens.
  Instant NextDeadline() const;

  size_t shared() const { return clients_.size(); }

 private:
  struct Use {
    bool connected = true;
    uint64_t held = 0;     // As reported.
    uint64_t sent = 0;     // What it may have, as sent last.
    uint64_t ceiling = 0;  // The most that it may have by what it was sent.
    uint64_t seq = 0;      // Of what was sent; 0: nothing in this session.
    Instant sent_at = Instant::min();
    uint64_t refused = 0;
    Instant refused_at = Instant::min();
  };
  struct Client {
    std::map<WorkerKey, Use> uses;
    Instant due{};
  };
  using Name = std::pair<std::string, uint64_t>;  // Rule, prefix.
  using Messages = std::map<WorkerKey, std::vector<worker::v1::ConnectResponse>>;

  void Take(const WorkerKey& worker, const worker::v1::RateReport::ClientSlots& told, Instant now);
  static void Confirm(Use& use, const worker::v1::RateReport::ClientSlots& told);
  void AddUses(Client& client, uint64_t quiet);
  void SetDue(const Name& name, Client& client, Instant due);
  void AllDue(Instant now);
  // False when the client is quiet and forgotten.
  bool Share(const Name& name, Client& client, Instant now, Messages& messages);
  static bool IsQuiet(const Client& client, uint64_t quiet);
  // Of the cap, what workers with a stream may have together.
  uint64_t Available(const Client& client, uint64_t cap) const;
  static void Move(const std::vector<uint64_t>& parts, uint64_t available, Client& client);
  void Send(const Name& name, const WorkerKey& worker, Use& use, Instant now, Messages& messages);
  uint64_t QuietOf(uint64_t cap) const;

  std::map<std::string, uint64_t> limits_;
  size_t all_ = 0;
  std::set<WorkerKey> connected_;
  std::map<Name, Client> clients_;
  std::set<std::pair<Instant, Name>> due_;  // One for each client.
  uint64_t next_seq_ = 1;
};

}  // namespace lb::controlplane
