// What control planes tell each other beside the membership: sealed datagrams between the hosts
// that share limits, of several kinds. Pure: datagrams go out and come in as values. Threading:
// none.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/membership/messages.h"
#include "controlplane/membership/usage_seal.h"

namespace lb::controlplane {

// What a datagram speaks of, by its first byte; the lower half of it is the kind's own version.
enum class HostWordKind : uint8_t {
  kUsage = 0x00,      // See UsageWord.
  kSlots = 0x10,      // See SlotWord.
  kTickets = 0x20,    // See TicketWord.
  kBandwidth = 0x30,  // See EncodeBandwidths.
};

class HostChannel final {
 public:
  struct Self {
    std::string name;
    swim::Life life = 0;
    std::string label;
    std::vector<std::string> keys{};  // See GossipKeys.
    friend bool operator==(const Self&, const Self&) = default;
  };
  struct Host {
    std::string name;
    swim::Address address;  // Of its usage port.
    swim::Life life = 0;
    friend bool operator==(const Host&, const Host&) = default;
  };
  struct Datagram {
    swim::Address to;
    std::string bytes;
  };
  struct Counters {
    uint64_t sent = 0;
    uint64_t sent_bytes = 0;
    uint64_t received = 0;
    std::array<uint64_t, 6> refused{};  // By swim::UsageError.
  };
  struct Word {
    std::string host;
    std::string text;
    HostWordKind kind() const {
      return static_cast<HostWordKind>(static_cast<uint8_t>(text[0]) & 0xf0);
    }
  };

  // Absent: there is no cluster. Other keys alone go on with what is known. True: it begins anew,
  // without hosts.
  bool SetSelf(const std::optional<Self>& self);
  // Null: there is no cluster.
  const Self* self() const { return self_ ? &*self_ : nullptr; }

  // The members that share limits, as they are now; false: as before.
  bool SetHosts(std::vector<Host> hosts);
  const std::vector<Host>& hosts() const { return hosts_; }
  // It is none of the hosts: nothing more is taken from it until it is again.
  void Forget(const std::string& host);

  // Opens a datagram; absent: it is dropped, and counted. The text is not empty.
  std::optional<Word> Open(std::string_view datagram);
  // What it said makes no sense.
  void CountMalformed();

  // Seals a text for all hosts, or for one, if it is there.
  void ToAll(std::string_view text, std::vector<Datagram>& out);
  void ToOne(const std::string& host, std::string_view text, std::vector<Datagram>& out);

  const Counters& counters() const { return counters_; }

 private:
  void Send(const Host& host, std::string bytes, std::vector<Datagram>& out);

  std::optional<Self> self_;
  std::optional<swim::UsageSealer> sealer_;
  // By sealers before that: a host that leaves and joins again has the same life, and keys.
  uint64_t sealed_ = 0;
  std::optional<swim::UsageOpener> opener_;
  // Of the opener before that: what was taken is not taken again after a leave and a join.
  swim::UsageOpener::Windows taken_;
  std::vector<Host> hosts_;
  Counters counters_;
};

}  // namespace lb::controlplane
