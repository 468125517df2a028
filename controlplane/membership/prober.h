// Whether others live: one of them is asked in each interval, through others and by TCP where it
// does not answer. And the other side: answers, and asking for others. Threading: none.
//
// Source: SWIM, section 3.1; Lifeguard, section IV-A: the less healthy this member seems to be, the
// longer it waits. Beyond memberlist: members started together do not probe in step, a relay says
// early enough that it got no answer, and one that was held up itself accuses nobody.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "controlplane/membership/rumors.h"
#include "controlplane/membership/shared.h"

namespace lb::controlplane::swim {

class Prober final {
 public:
  // Asked for others at once; more are not asked.
  static constexpr size_t kMaxRelays = 1'024;
  // A relay that got no answer says so after so many tenths of a probe's timeout: its word must be
  // there before the asker stops waiting.
  static constexpr int kNackTenths = 8;
  // Older relays say it when it is just too late; so long it still counts.
  static constexpr std::chrono::milliseconds kLateNacks{50};
  // A turn that comes so much too late: this member was held up, and knows nothing of others.
  static constexpr std::chrono::milliseconds kHeldUp{250};

  Prober(Shared& shared, Rumors& rumors) : shared_(shared), rumors_(rumors) {}

  void Start(Turn& turn);
  void Step(Turn& turn);
  Instant NextDeadline() const;

  void Take(const Ping& ping, const Address& from, Turn& turn);
  void Take(const IndirectPing& ping, const Address& from, Turn& turn);
  void Take(const Ack& ack, Turn& turn);
  void Take(const Nack& nack, Turn& turn);
  // The end of a ping by TCP; false: it is none of this.
  bool Take(const ExchangeDone& done);

 private:
  struct Probe {
    uint32_t seq_no = 0;
    std::string target;
    Instant direct_until;
    Instant deadline;
    bool indirect = false;  // Others were asked.
    int nacks_wanted = 0;
    int nacks = 0;
    ExchangeId tcp = 0;  // 0: none.
    bool tcp_answered = false;
  };
  // A probe that failed, for late nacks.
  struct Failed {
    uint32_t seq_no = 0;
    Instant until;
    int nacks_missing = 0;
  };
  // Who asked. A stranger gets a bare answer: what is to be passed on is not wasted on it, and an
  // address that somebody made up is sent no more than it took to ask.
  struct Asker {
    Address address;
    bool is_member = false;
  };
  struct Relay {
    uint32_t seq_no = 0;  // The asker's.
    Asker asker;
    std::optional<Instant> nack_at;
    Instant until;
  };

  void Begin(Turn& turn);
  void AskOthers(Turn& turn);
  void End(bool answered, Turn& turn);
  void Fail(Turn& turn);
  void StepRelays(Turn& turn);
  Asker AskerOf(const std::string& node, const Address& given, const Address& from) const;
  void Answer(const Asker& asker, std::string message, Turn& turn);

  Shared& shared_;
  Rumors& rumors_;
  Instant tick_ = Instant::max();
  bool tick_waits_ = false;  // One came while a probe was running.
  std::optional<Probe> probe_;
  std::optional<Failed> failed_;
  std::map<uint32_t, Relay> relays_;  // By our own number.
};

}  // namespace lb::controlplane::swim
