// Limits on open connections that all hosts share: which part of each is this host's, what it gives
// to others, and what they are told.
//
// Each host makes an even part of a limit's slots, and then they only move (SlotRights), so that
// all hosts together stay within the limit in a partition as well. Pure; threading: none.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "controlplane/budget/slot_gifts.h"
#include "controlplane/budget/slot_ledger.h"
#include "controlplane/budget/slot_rights.h"
#include "controlplane/budget/slot_roster.h"
#include "controlplane/budget/slot_word.h"
#include "controlplane/membership/host_channel.h"
#include "controlplane/snapshot/live_rules.h"
#include "lb/state/v1/state.pb.h"

namespace lb::controlplane {

class SlotExchange final {
 public:
  static constexpr std::chrono::milliseconds kEvery{200};
  // News are told so soon after the last word.
  static constexpr std::chrono::milliseconds kNewsAfter{50};
  // All that is known is told so often, or as fast as kTextsPerWord allows.
  static constexpr std::chrono::seconds kRoundEvery{1};
  // Texts sent at once: with kEvery a bound on what this channel takes.
  static constexpr size_t kTextsPerWord = 4;
  // Hosts that are missing are waited for so long before slots are made without them.
  static constexpr std::chrono::seconds kMissingWait{5};
  // Of slots that are fewer than the hosts that want them, each goes on after so long.
  static constexpr std::chrono::seconds kTurn{1};
  // Between two looks at limits: many of them, and many hosts, must not keep a control plane busy.
  static constexpr std::chrono::milliseconds kPlanEvery{50};
  // A limit that left the configuration is known for so long, in case it returns, or as long as
  // there are no more than kMaxLimits with it.
  static constexpr std::chrono::minutes kKeepUnused{10};
  // Hosts that do not have a limit are waited for so long: they may only be late to load it.
  static constexpr std::chrono::seconds kRolloutWait{60};
  // All hosts that there should be were heard for so long, and told all that they know since: then
  // of a limit that nobody else has spoken of nothing is in use, and an even part is used at once.
  static constexpr std::chrono::seconds kSureAfter{3};
  // What they told is that old at most.
  static constexpr std::chrono::seconds kToldLately{10};
  // The same for a limit that another host has for less than this: below kRolloutWait, after which
  // others make more than an even part of it.
  static constexpr std::chrono::seconds kNewFor{45};
  // Limits that can be shared; more are this host's alone, each with an even part.
  static constexpr size_t kMaxLimits = 4'096;

  explicit SlotExchange(HostChannel& channel) : channel_(channel) {}

  struct Settings {
    SlotRoster::Settings roster{};
    size_t seeds = 0;  // Other hosts that the configuration names.
    // The slots of hosts that are not heard are used here as well: then each side of a split
    // cluster goes up to the limit.
    bool local = false;
    bool open = false;  // No keys: what is said of third hosts may be anybody's.
    friend bool operator==(const Settings&, const Settings&) = default;
  };

  // This host's name by the configuration; absent: there is no cluster, and every limit is this
  // host's alone.
  void SetSelf(const std::optional<std::string>& name, Instant now);
  void SetSettings(const Settings& settings);
  // What the configuration wants shared.
  void SetLimits(const LiveRules& rules, Instant now);

  // The channel has other hosts.
  void NoteHosts();
  void Failed(const std::string& host, Instant now);
  void Left(const std::string& host, Instant now);
  // Its slots are taken at once.
  void Forget(const std::string& host);

  // Takes a word; false: it is dropped, and counted where it makes no sense.
  bool Receive(const HostChannel::Word& word, Instant now);

  // Before the ledger is settled: tells it what of each limit is this host's to use.
  void Plan(SlotLedger& ledger, Instant now);
  // After it was: gives away what nobody here can use any more. What it changes has to be on its
  // way to the disk before Step.
  void Give(const SlotLedger& ledger);
  // Sends what is due.
  void Step(Instant now, std::vector<HostChannel::Datagram>& out);
  Instant NextDeadline(Instant now) const;

  // True when something that Store writes changed since the last call.
  bool TakeChanged() { return std::exchange(changed_, false); }
  void Restore(const state::v1::StoredState& state);
  void Store(state::v1::StoredState& state) const;

  // How a shared limit stands.
  struct Share {
    struct Host {
      std::string name;
      int64_t rights = 0;
      std::optional<ToldNeed> need{};     // Unset: it was not heard yet.
      std::optional<Instant> heard_at{};  // Of others.
    };
    uint64_t limit = 0;       // Over all hosts.
    int64_t rights = 0;       // Of this one.
    int64_t made = 0;         // Of all hosts.
    std::vector<Host> hosts;  // By name, this one too.
  };
  // Absent: it is not shared.
  std::optional<Share> Look(const BackendKey& key, Instant now) const;
  // Keys of the limits that are shared.
  std::vector<BackendKey> Shared() const;

 private:
  struct Told {
    ToldNeed need;
    Instant at;
    uint64_t round = 0;                    // Of the host, in which it said so.
    std::optional<Instant> complete_at{};  // It said all that it knew.
  };
  struct Limit {
    BackendKey key;
    uint64_t slots = 0;  // 0: not in the configuration any more, or not shared.
    Instant since{};
    SlotRights rights;
    ToldNeed need;  // Of this host, and as it was told last.
    ToldNeed told_need;
    std::map<HostId, Told> others;
    std::vector<Gift> gifts;  // To be given when they are free.
    std::set<HostId> behind;  // Hosts that know less of themselves than is known here.
    Instant gained_at{};      // When this host had none before.
    bool told_short = false;
    bool settled = false;  // Until then nothing is given, or gained
    bool sure = false;     // unless this host knows what is its own.
    bool due = true;       // To be planned.
    bool at_once = false;  // Its even part is to be made without waiting for others.
  };
  // A limit that others have, and this host does not.
  struct Foreign {
    SlotRights rights;
    Instant since{};
    Instant told_at{};
  };
  // How far a host has told all that it knows.
  struct Round {
    uint64_t number = 0;
    uint32_t parts = 0;  // In order, from the first; a missing one makes the rest useless.
    swim::Life life = 0;
    Instant began_at{};
    std::optional<Instant> complete_since{};  // When the newest whole round began.
    uint64_t complete_number = 0;
  };

  bool on() const { return roster_.has_value(); }
  void UseSettings();
  void NoteSide(const SlotRoster::Side& side, Instant now);
  bool IsSure(Instant now) const;
  void Adopt(LimitId id, Limit& limit, bool sure, Instant now);
  void DropForeign(Instant now);
  void NoteForeign(HostId sender, const ToldSlots& told, Instant now);
  void NoteRound(HostId host, const SlotWord& word, Instant now);
  void TakeTold(HostId sender, const ToldSlots& told, Instant now);
  bool HaveTold(const Limit& limit, const SlotRoster::Side& side) const;
  bool IsParty(const Limit& limit, HostId host) const;
  SlotRoster::Side SideOf(const Limit& limit, SlotRoster::Side side, Instant now) const;
  uint64_t LowestLimit(const Limit& limit, const SlotRoster::Side& side) const;
  static uint64_t PartOf(HostId host, const SlotRoster::Side& side, uint64_t slots);
  static uint64_t Made(const Limit& limit, HostId host);
  void MakeAtOnce(Limit& limit, const SlotRoster::Side& all);
  void MakeUp(Limit& limit, const SlotRoster::Side& side, uint64_t slots, Instant now);
  void Unmake(Limit& limit, const SlotRoster::Side& side, bool first, uint64_t slots);
  void TakeFromGone(Limit& limit, const SlotRoster::Side& side, Instant now);
  std::vector<HostNeed> NeedsOf(const Limit& limit, const SlotRoster::Side& side,
                                Instant now) const;
  bool AllAreDue(const SlotRoster::Side& side, Instant now);
  void PlanOne(Limit& limit, const SlotRoster::Side& all, SlotLedger& ledger, Instant now);
  uint64_t Usable(const Limit& limit, const SlotRoster::Side& side,
                  const std::vector<HostNeed>& needs, uint64_t slots, Instant now) const;
  void NoteNeed(LimitId id, Limit& limit, const SlotLedger& ledger, Instant now);
  std::vector<ToldSlots> RowsOf(LimitId id, const Limit& limit,
                                const std::set<HostId>& heard) const;
  std::vector<std::string> TakeTexts(Instant now);
  void Touch(Limit& limit) {
    news_.insert(IdOfLimit(limit.key));
    limit.due = true;
    changed_ = true;
  }

  HostChannel& channel_;
  Settings settings_;
  std::optional<std::string> name_;
  std::optional<SlotRoster> roster_;
  std::map<LimitId, Limit> limits_;
  std::map<BackendKey, uint64_t> beyond_;  // Above kMaxLimits.
  std::vector<std::string> restored_;      // Other hosts, before this one knows its own name.
  std::set<BackendKey> unshared_;          // Left the shared ones; the ledger is told once.
  std::map<LimitId, Foreign> foreign_;     // At most kMaxLimits.
  std::optional<Instant> foreign_missed_at_{};
  std::map<HostId, Round> rounds_;
  std::set<LimitId> news_;
  uint64_t round_ = 0;
  std::deque<std::string> round_texts_;
  Instant round_at_{};
  Instant plan_at_{};
  Instant plan_all_at_{};
  SlotRoster::Side planned_;  // When all were due last.
  SlotRoster::Side seen_;     // Lately, and since when.
  Instant seen_since_{};
  Instant tell_at_{};
  Instant told_at_{};
  bool changed_ = false;
};

}  // namespace lb::controlplane
