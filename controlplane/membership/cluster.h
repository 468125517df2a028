// This host's place in the cluster: what the configuration says of it, its sockets, its member.
// Pure; threading: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "controlplane/config/cluster_config.h"
#include "controlplane/membership/cluster_status.h"
#include "controlplane/membership/gossip.h"
#include "controlplane/membership/key_talk.h"
#include "controlplane/membership/serf_intents.h"
#include "controlplane/membership/stranger_book.h"
#include "controlplane/membership/swim.h"
#include "controlplane/membership/usage_seal.h"

namespace lb::controlplane::swim {

class Cluster final {
 public:
  // Sockets that could not be opened are tried again after so long, and twice as long each time up
  // to the second.
  static constexpr std::chrono::seconds kFirstRetry{1};
  static constexpr std::chrono::seconds kLastRetry{30};
  // Others repeat a name that is used twice; it is told so often.
  static constexpr std::chrono::seconds kConflictEvery{60};
  // Serf's members must have heard that this one means to go before it goes.
  static constexpr std::chrono::seconds kIntentLead{1};

  // `name` is that of a member whose configuration gives none. `version` is the program's, `life`
  // that of the process.
  Cluster(std::string name, std::string version, Life life, uint64_t seed);

  // Absent: no cluster. What needs it is begun anew, after a leave; the rest goes on.
  void SetConfig(const std::optional<ClusterConfig>& config, Instant now,
                 std::vector<ClusterAction>& actions);
  // The addresses of the configured peers, as far as they are known, and those without one.
  void SetSeeds(std::vector<Address> seeds, std::vector<std::string> missing, Instant now,
                std::vector<ClusterAction>& actions);
  // Calls these once, beside the seeds. A host that left by order is a member again.
  void Join(const std::vector<Address>& addresses, Instant now,
            std::vector<ClusterAction>& actions);
  // Lists a member that failed or left no more, and calls it no more; false: there is none.
  bool Forget(const std::string& name);
  // Says good-bye; LeftCluster follows, at once where nobody is there.
  void Leave(Instant now, std::vector<ClusterAction>& actions);
  // Says good-bye by order, and is no member until Join or another configuration of the cluster.
  void StayAway(Instant now, std::vector<ClusterAction>& actions);
  bool stays_away() const { return stays_away_; }
  // Whether what ToStore gives may have changed since the last call.
  bool TakeChanged() { return std::exchange(changed_, false); }

  // Keys that orders made, and Serf's clock of questions, over a restart: before SetConfig.
  struct Stored {
    OrderedKeys::Stored keys{};
    uint64_t query_time = 0;
  };
  void Restore(Stored stored);
  Stored ToStore() const { return {talk_.keys().ToStore(), talk_.book().time()}; }

  // The keys in force; none: the cluster is open.
  const OrderedKeys& keys() const { return talk_.keys(); }
  // Whether AskKeys has somebody to ask: it is a member of Serf's kind now, whatever the
  // configuration wants it to become.
  bool can_ask_keys() const { return config_ && swim_ && swim_->serf(); }
  // Asks all members to do this, itself first; KeysAnswered with this number follows. It has no
  // rows where nobody can be asked. Otherwise KeyTalk::Ask's conditions hold.
  void AskKeys(uint64_t round, KeyVerb verb, const std::string& key, Instant now,
               std::vector<ClusterAction>& actions);
  bool asks_no_more() const { return talk_.full(); }
  bool is_member() const { return swim_.has_value(); }

  void Handle(const ClusterEvent& event, Instant now, std::vector<ClusterAction>& actions);
  Instant NextDeadline() const;

  // A member that shares limits: a control plane of this kind.
  struct Host {
    std::string name;
    Address usage_address;
    Life life = 0;
  };
  // Those that are alive or only suspected, by name, without this one; empty while it is no member.
  std::vector<Host> Hosts() const;

  // What the configuration calls this member, or would.
  std::string ConfiguredName() const { return NameOfSelf(); }
  // Its own name; empty while it is no member.
  std::string Name() const { return swim_ ? swim_->name() : std::string(); }
  Life life() const { return life_; }
  // How many other hosts the configured peers are, members or not; a name without an address is one
  // at least.
  size_t seeds() const;

  const std::optional<ClusterConfig>& config() const { return config_; }
  ClusterStatus Status(Instant now) const;

 private:
  // Why it goes: what comes after.
  enum class After : uint8_t { kNothing, kOpen, kClose, kTellOfIt };

  template <typename Do>
  void Talk(Instant now, std::vector<ClusterAction>& actions, const Do& what);
  void Hear(const std::string& message, Instant now, std::vector<ClusterAction>& actions);
  void TellClocks(Instant now, std::vector<ClusterAction>& actions);
  void Close(std::vector<ClusterAction>& actions);

  void Take(const GossipOpened& opened, Instant now, std::vector<ClusterAction>& actions);
  void Take(const Dropped& dropped, Instant now, std::vector<ClusterAction>& actions);
  void Take(const TimerFired& fired, Instant now, std::vector<ClusterAction>& actions);
  // What is said of usage is none of the membership's business.
  void Take(const UsageIn&, Instant, std::vector<ClusterAction>&) {}
  template <typename T>
  void Take(const T& event, Instant now, std::vector<ClusterAction>& actions) {
    ToSwim(event, now, actions);
  }
  void Open(Instant now, std::vector<ClusterAction>& actions);
  void Go(After after, Instant now, std::vector<ClusterAction>& actions);
  void WhenGone(Instant now, std::vector<ClusterAction>& actions);
  void ToSwim(const Event& event, Instant now, std::vector<ClusterAction>& actions);
  void FromSwim(Action& action, Instant now, std::vector<ClusterAction>& actions);
  Options SwimOptions(const GossipOpened& opened) const;
  std::string NameOfSelf() const;
  GossipKeys Keys() const { return {config_->label, talk_.keys().keys()}; }

  const std::string default_name_;
  const std::string version_;
  const Life life_;
  uint64_t seed_;
  std::optional<ClusterConfig> config_;
  uint64_t generation_ = 0;
  bool opening_ = false;
  bool open_ = false;
  std::optional<Instant> retry_at_;
  Duration retry_delay_ = kFirstRetry;
  std::string problem_;
  std::optional<Swim> swim_;
  std::vector<Address> seeds_;
  std::vector<std::string> seeds_missing_;
  Dropped dropped_;
  StrangerBook strangers_;
  Instant conflict_told_at_{};
  SerfClock clock_;
  KeyTalk talk_;
  std::string clocks_told_;
  bool stays_away_ = false;
  bool changed_ = false;
  std::vector<Address> call_when_open_;
  After after_ = After::kNothing;
  std::optional<Instant> leave_at_;
};

}  // namespace lb::controlplane::swim
