// What members say to each other: the messages of memberlist, as values. Threading: none.
//
// Source: HashiCorp memberlist, protocol version 2, as seen on the wire; the names of the fields
// there stand beside ours.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace lb::controlplane::swim {

// Where a member is reached, by UDP and TCP. Kept and sent on as it came: peers take the two forms
// of an IPv4 address for two addresses.
struct Address {
  std::string ip;  // 4 or 16 bytes, in network order; empty: not given.
  uint16_t port = 0;

  friend auto operator<=>(const Address&, const Address&) = default;
};

// Which versions of the protocol (memberlist's own, and the application's "delegate") a member can
// and does speak: Vsn.
struct Versions {
  uint8_t protocol_min = 1;
  uint8_t protocol_max = 5;
  uint8_t protocol = 2;
  uint8_t delegate_min = 0;
  uint8_t delegate_max = 0;
  uint8_t delegate = 0;

  friend bool operator==(const Versions&, const Versions&) = default;
};

struct Ping {
  uint32_t seq_no = 0;
  std::string node;  // For whom it is; empty: for whoever gets it.
  Address source{};  // To whom the ack goes; older members give none.
  std::string source_node{};

  friend bool operator==(const Ping&, const Ping&) = default;
};

// Asks for a ping of `target`, and for its ack to be passed on.
struct IndirectPing {
  uint32_t seq_no = 0;
  std::string node;
  Address target;
  bool nack = false;  // Whether to answer that there was no ack.
  Address source{};
  std::string source_node{};

  friend bool operator==(const IndirectPing&, const IndirectPing&) = default;
};

struct Ack {
  uint32_t seq_no = 0;
  std::string payload{};

  friend bool operator==(const Ack&, const Ack&) = default;
};

struct Nack {
  uint32_t seq_no = 0;

  friend bool operator==(const Nack&, const Nack&) = default;
};

struct Suspect {
  uint32_t incarnation = 0;
  std::string node;
  std::string from;

  friend bool operator==(const Suspect&, const Suspect&) = default;
};

struct Alive {
  uint32_t incarnation = 0;
  std::string node;
  Address address;
  std::string meta{};                  // Of the application, at most kMaxMeta bytes.
  std::optional<Versions> versions{};  // Absent: not six bytes.

  friend bool operator==(const Alive&, const Alive&) = default;
};

// From itself: it leaves.
struct Dead {
  uint32_t incarnation = 0;
  std::string node;
  std::string from;

  friend bool operator==(const Dead&, const Dead&) = default;
};

// Of the application; memberlist does not look into it and does not pass it on.
struct User {
  std::string payload;

  friend bool operator==(const User&, const User&) = default;
};

// All that a datagram may carry.
using Message = std::variant<Ping, IndirectPing, Ack, Nack, Suspect, Alive, Dead, User>;

enum class State : uint8_t { kAlive = 0, kSuspect = 1, kDead = 2, kLeft = 3 };

// A line of a member's table.
struct NodeState {
  std::string name;
  Address address;
  uint32_t incarnation = 0;
  State state = State::kAlive;
  std::string meta{};
  std::optional<Versions> versions{};  // Absent: not six bytes.

  friend bool operator==(const NodeState&, const NodeState&) = default;
};

// A whole table, sent by both ends of a TCP connection.
struct PushPull {
  bool join = false;
  std::vector<NodeState> nodes;
  std::string user_state{};  // Of the application.

  friend bool operator==(const PushPull&, const PushPull&) = default;
};

// What could not be read.
struct ErrorReply {
  std::string error;

  friend bool operator==(const ErrorReply&, const ErrorReply&) = default;
};

// All that a TCP connection may carry, one in each direction.
using StreamMessage = std::variant<Ping, Ack, PushPull, User, ErrorReply>;

// Bounds of what is taken; what says more is malformed.
inline constexpr size_t kMaxName = 255;
inline constexpr size_t kMaxMeta = 512;
inline constexpr size_t kMaxLabel = 255;
inline constexpr size_t kMaxErrorText = 1024;
inline constexpr size_t kMaxDatagram = 65'536;
inline constexpr size_t kMaxParts = 255;
// Of one push/pull: members, and bytes of it, packed or not.
inline constexpr size_t kMaxNodes = 16'384;
inline constexpr size_t kMaxUserState = 1 << 20;  // And of a User in a stream.
inline constexpr size_t kMaxStream = 8 << 20;

}  // namespace lb::controlplane::swim
