// What happens to a member, and what it wants done. Plain values; threading: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "controlplane/membership/messages.h"

namespace lb::controlplane::swim {

using ExchangeId = uint64_t;  // A TCP connection to another member; never reused.
using StreamId = uint64_t;    // One from another member; never reused.

// A datagram was opened (PacketCodec::Open).
struct PacketIn {
  Address from;
  std::vector<std::string> parts;
};

// Somebody connected and sent a whole message. Exactly one StreamReply follows.
struct StreamIn {
  StreamId stream = 0;
  StreamMessage message;
};

// The end of a StartExchange.
struct ExchangeDone {
  ExchangeId exchange = 0;
  std::optional<StreamMessage> answer;  // Absent: none came, or no good one.
};

// Members to join by, instead of those before.
struct SetSeeds {
  std::vector<Address> seeds;
};

// Calls these once, to join by them.
struct Call {
  std::vector<Address> addresses;
};

// Passes on a message of the application by gossip, instead of the one that waits under `key`,
// which is no member's name.
struct Tell {
  std::string key;
  std::string payload;
};

// Says something else of this member from now on.
struct SetMeta {
  std::string meta;
};

// The application's state, which goes with this member's table from now on.
struct SetState {
  std::string state;
};

// Tells all that it goes; Gone follows. It still answers afterwards.
struct Leave {};

struct TimerFired {};

using Event = std::variant<PacketIn, StreamIn, ExchangeDone, SetSeeds, Call, Tell, SetMeta,
                           SetState, Leave, TimerFired>;

// Send one datagram (PacketCodec::Seal).
struct SendPacket {
  Address to;
  std::vector<std::string> parts;
  bool checksum = false;
};

// Connect, send, and take one message. Exactly one ExchangeDone follows, at the latest after
// `timeout`.
struct StartExchange {
  ExchangeId exchange = 0;
  Address to;
  StreamMessage message;
  Duration timeout{};
};

struct StreamReply {
  StreamId stream = 0;
  std::optional<StreamMessage> message;  // Absent: close.
};

// Something became known of a member.
struct MemberNotice {
  enum class Kind : uint8_t {
    kJoined,
    kFailed,
    kLeft,
    kUpdated,   // Its meta changed.
    kConflict,  // Another one uses its name, at `address`; what it says is ignored.
    kSuspected,
    kRefuted,  // This member was suspected and said that it lives.
  };
  Kind kind = Kind::kJoined;
  std::string name;
  Address address;
};

// The application's message, or its state that came with a table.
struct UserIn {
  std::string payload;
};

// The leave was told, or nobody is there to be told.
struct Gone {};

using Action = std::variant<SendPacket, StartExchange, StreamReply, MemberNotice, UserIn, Gone>;

}  // namespace lb::controlplane::swim
