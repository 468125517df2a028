// Many members in one process, on virtual time: the protocol of controlplane/membership and a
// network with faults. The same seed gives the same run. Threading: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "controlplane/membership/swim.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/swim_network.h"

namespace lb::sim {

namespace swim = controlplane::swim;

class SwimWorld final {
 public:
  struct Settings {
    size_t members = 10;
    Faults faults{};
    bool tcp_ping = true;
    uint64_t seed = 1;
    swim::Timing timing{};
  };
  struct Notice {
    Instant at;
    size_t observer = 0;
    size_t about = 0;
    swim::MemberNotice::Kind kind = swim::MemberNotice::Kind::kJoined;
  };

  explicit SwimWorld(Settings settings);

  // Starts all, each with the first `seeds` members as its seeds; not yet joined.
  void StartAll(size_t seeds);
  // Starts them and runs until all know each other and have nothing left to say; checks that they
  // come there within `limit`.
  void Settle(Duration limit);

  void Start(size_t member, size_t seeds);  // A new process, which knows nothing.
  void Crash(size_t member);
  void Leave(size_t member);
  void Say(size_t member, const std::string& meta);
  bool IsUp(size_t member) const { return nodes_.at(member).swim != nullptr; }
  SwimNetwork& network() { return network_; }

  Instant now() const { return queue_.now(); }
  void RunFor(Duration time);
  // Runs until it holds, asked after each event; false when `limit` is over before.
  bool RunUntil(const std::function<bool()>& holds, Duration limit);

  // The state of `about` as `observer` sees it; kDead for one it does not know.
  swim::State StateAt(size_t observer, size_t about) const;
  // Whether each member that is up sees exactly those alive that are up.
  bool AllAgree() const;
  // Whether somebody has something to pass on.
  bool IsQuiet() const;

  // Since the last ClearCounts.
  const std::vector<Notice>& notices() const { return notices_; }
  uint64_t packets() const { return packets_; }
  uint64_t bytes() const { return bytes_; }
  // Notices that a member failed that had not.
  size_t FalseFailures() const;
  void ClearCounts();

  const swim::Swim& swim(size_t member) const { return *nodes_.at(member).swim; }
  swim::Swim& swim(size_t member) { return *nodes_.at(member).swim; }
  // A digest of everything that was done.
  uint64_t trace() const { return trace_; }
  static std::string Name(size_t member);
  // Of such a name.
  static size_t IndexOf(std::string_view name);

 private:
  struct Node {
    std::unique_ptr<swim::Swim> swim;
    uint64_t life = 0;  // Of a process: what is meant for an older one does not reach a newer.
    Instant timer_at = Instant::max();
    uint32_t incarnation = 0;  // The highest it said of itself.
  };
  struct Stream {
    size_t initiator = 0;
    uint64_t life = 0;
    swim::ExchangeId exchange = 0;
    Instant until;
    bool done = false;
  };

  swim::Address AddressOf(size_t member) const;
  size_t MemberAt(const swim::Address& address) const;
  void Handle(size_t member, const swim::Event& event);
  void Do(size_t member, swim::Action& action);
  void Send(size_t member, swim::SendPacket& packet);
  void Call(size_t member, swim::StartExchange& call);
  void Reply(size_t member, swim::StreamReply& reply);
  void End(const std::shared_ptr<Stream>& stream, std::optional<swim::StreamMessage> answer);
  void SetTimer(size_t member);
  void CheckSelf(size_t member);
  void Trace(uint64_t value);

  const Settings settings_;
  EventQueue queue_;
  SwimNetwork network_;
  std::vector<Node> nodes_;
  std::map<swim::StreamId, std::shared_ptr<Stream>> streams_;
  swim::StreamId next_stream_ = 1;
  std::vector<Notice> notices_;
  uint64_t packets_ = 0;
  uint64_t bytes_ = 0;
  uint64_t lives_ = 0;
  uint64_t trace_ = 0xcbf29ce484222325u;
};

}  // namespace lb::sim
