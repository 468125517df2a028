// Which ticket keys there are, and which one seals: of this host alone, or the same on all hosts of
// a cluster that has a key of its own.
//
// Every host tells all others what keys it has, again and again, and takes what it did not know: a
// set that grows alike everywhere, whatever is lost or overtaken, whoever dies, and after a
// partition too. The host with the first name makes the new ones; others stand in when it does not.
// A new key opens on all hosts before it seals on any. A host that starts asks nobody: it waits a
// while for the others' word before it makes a key. Hosts that were apart, with keys of their own,
// open with all of them afterwards and seal with the oldest one whose time is not over.
//
// A key is made of what its maker alone knows: a host that has gone knows none that come later.
// Whoever calls decides what travels: never over a channel that is not sealed. Pure; threading:
// none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "controlplane/tls/ticket_ring.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

class SharedTickets final {
 public:
  // All are told so often; sooner while somebody has not said that it has what is new, for so long.
  static constexpr std::chrono::seconds kEvery{5};
  static constexpr std::chrono::seconds kAgainAfter{1};
  static constexpr std::chrono::seconds kHurryFor{30};
  // Between two words, whatever happens.
  static constexpr std::chrono::milliseconds kNewsAfter{200};
  // A host that starts waits so long for the keys of others.
  static constexpr std::chrono::seconds kLearnFor{10};
  // Each host after the first waits so much longer before it makes a key that is due.
  static constexpr std::chrono::seconds kStandInAfter{10};
  // A key that some hosts did not say they have may seal when it is known for so long; the others
  // are not heard, or do not share.
  static constexpr std::chrono::seconds kSettlesAfter{60};

  struct Host {
    std::string name;
    uint64_t life = 0;  // Of its process.
    friend bool operator==(const Host&, const Host&) = default;
  };

  // `seed` as in TicketRing; with an empty one there are never any keys, and each worker makes its
  // own. Until SetPlace it is not known whether there are others.
  SharedTickets(std::string seed, Instant now);

  // `joins`: the configuration wants a cluster whose channel is sealed. `self`: the name of this
  // member of it; empty while it is none.
  void SetPlace(bool joins, const std::string& self, Instant now);
  // The other hosts, as they are alive now.
  void SetHosts(const std::vector<Host>& hosts, Instant now);

  // Takes the word of a host; one that is none of the hosts says nothing. False: malformed.
  bool Receive(const std::string& host, std::string_view text, Instant now);

  // Makes, changes and drops keys as it is time; true when workers are to be told. Cheap where
  // nothing is due.
  bool Step(Instant now);
  // What is to be told to all hosts now; wipe it after use. After Step.
  std::optional<std::string> TakeWord(Instant now);
  // Of Step and TakeWord, as of their last call.
  Instant NextDeadline() const;

  bool empty() const { return ring_.empty(); }
  size_t size() const { return ring_.keys().size(); }
  // What workers are sent, the one that seals first. Never log it.
  worker::v1::TicketKeys Keys() const;
  // The one that seals; null without keys.
  const TicketKey* sealer() const { return ring_.Find(sealer_); }
  // All other hosts, one at least, said that they have the key that seals here.
  bool shared() const;
  // Times that another key began to seal.
  uint64_t rotations() const { return rotations_; }

 private:
  struct Peer {
    uint64_t life = 0;
    bool heard = false;
    std::set<std::string> has{};  // Names of keys, by its last word.
  };
  struct Standing {
    Instant known;         // Since then, here.
    bool settled = false;  // It may seal.
  };

  bool is_member() const { return joins_ && !self_.empty(); }
  bool has_peers() const { return is_member() && !peers_.empty(); }
  bool AllHave(const std::string& name) const;
  // When a new key is to be made here.
  Instant MakeAt() const;
  void NoteNews(Instant now);
  void Settle(Instant now);
  bool ChooseSealer(Instant now);
  Instant StepDeadline(Instant now) const;

  TicketRing ring_;
  const Instant began_;
  bool joins_ = true;
  std::string self_;
  std::map<std::string, Peer> peers_;
  std::map<std::string, Standing> standings_;  // By the name of the key.
  bool dirty_ = true;                          // Something to look at in the next Step.
  bool changed_ = false;                       // Since workers were told.
  std::string sealer_;                         // Its name.
  uint64_t rotations_ = 0;
  Instant told_at_;
  Instant tell_at_;
  Instant hurry_until_;
  Instant step_at_ = Instant::max();
};

}  // namespace lb::controlplane
