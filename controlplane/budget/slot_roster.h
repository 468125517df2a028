// Which hosts share limits on open connections, which of them are heard, and whose rights may be
// taken, since they are gone. Pure; threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "controlplane/budget/host_id.h"

namespace lb::controlplane {

class SlotRoster final {
 public:
  // A host that said nothing for so long is not heard.
  static constexpr std::chrono::seconds kHeardFor{3};

  struct Settings {
    // What a host holds that failed, or left, is its own for so long; and what a host of the
    // configuration may hold that was not heard yet.
    Duration forget_after = std::chrono::minutes(10);
    // This host left by order: others do not wait for it, and it decides nothing.
    bool away = false;
    friend bool operator==(const Settings&, const Settings&) = default;
  };

  SlotRoster(const std::string& self, Instant now);

  void SetSettings(const Settings& settings) { settings_ = settings; }
  // How many other hosts the configuration names.
  void SetSeeds(size_t seeds) { seeds_ = seeds; }

  // The membership's word. Who left may have left workers behind, that serve on.
  void Joined(const std::string& host);
  void Failed(const std::string& host, Instant now);
  void Left(const std::string& host, Instant now);
  // An operator says that it is gone for good.
  void Forget(const std::string& host);

  // Another process of it: what was heard before says nothing.
  void Reborn(const std::string& host);
  // Known from before the restart; it is waited for as one that fails now.
  void Restore(const std::string& host, Instant now);
  // Those to know after a restart: members, and those whose slots are still their own.
  std::vector<std::string> Names() const;

  // A host spoke itself; false: it is none of the members.
  bool Heard(const std::string& host, Instant now);

  struct Side {
    std::vector<HostId> hosts;  // By name: those heard, and this one.
    std::vector<HostId>
        known;             // By name: those that there are or should be, as far as it is known.
    size_t expected = 1;   // Hosts that there are or should be, this one included.
    bool majority = true;  // More than half, or half with the first name of all.
    bool whole() const { return hosts.size() >= expected; }
    friend bool operator==(const Side&, const Side&) = default;
  };
  Side Look(Instant now) const;
  // Drops hosts that failed forget_after ago, where more than half of all are heard: of two sides
  // that do not hear each other one alone may do so.
  void Drop(Instant now);

  // True when what this host has may be taken: it was dropped or forgotten, or left forget_after
  // ago. One that was never a member here counts from the start of this one.
  bool IsGone(HostId host, Instant now) const;

  // An operator said so.
  bool IsForgotten(HostId host) const;

  HostId self() const { return self_id_; }
  bool IsHeard(HostId host, Instant now) const;
  // Empty: no host of that number was a member here.
  std::string NameOf(HostId host) const;

 private:
  struct Host {
    std::string name;
    std::optional<Instant> heard_at;
    std::optional<Instant> gone_at;  // It failed, or left.
    bool left = false;
    bool forgotten = false;
    bool dropped = false;
  };

  bool IsHeard(const Host& host, Instant now) const;
  static bool IsExpected(const Host& host);

  const std::string self_;
  const HostId self_id_;
  const Instant began_at_;
  Settings settings_;
  size_t seeds_ = 0;
  std::map<HostId, Host> hosts_;  // Without this one.
};

}  // namespace lb::controlplane
