// Questions that Serf's members put to all others, and their answers: messages of the application
// on top of memberlist's. Pure; threading: none. Bytes of strangers: what is read keeps the bounds
// below.
//
// Source: Serf 0.9, as seen on the wire; the names of the fields there stand beside ours.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/membership/messages.h"

namespace lb::controlplane::swim {

// Most bytes of a question's or an answer's payload; Serf has the same bound.
inline constexpr size_t kMaxQueryPayload = 1024;
inline constexpr size_t kMaxQueryName = 128;
// Lamport's times beyond it are none of any cluster that lives.
inline constexpr uint64_t kMaxSerfTime = uint64_t{1} << 62;
// One message must not drive a clock to where no time is left for those that follow. Up to here a
// clock goes as far as it is told, beyond it in small steps.
inline constexpr uint64_t kFarSerfTime = kMaxSerfTime / 2;
inline constexpr uint64_t kMaxSerfStep = uint64_t{1} << 20;
// Whether a clock at `own` may follow one that says `seen`.
inline constexpr bool MayFollow(uint64_t own, uint64_t seen) {
  return seen <= kMaxSerfTime - kMaxSerfStep && seen <= std::max(own, kFarSerfTime) + kMaxSerfStep;
}

// Asked once, passed on by whoever sees it first, and answered to `reply_to` alone.
struct SerfQuery {
  uint64_t time = 0;        // LTime, of Lamport's clock of queries.
  uint32_t id = 0;          // Random.
  Address reply_to;         // Addr, Port
  std::string from{};       // SourceNode; members before 0.9 do not say it.
  bool for_some = false;    // Filters: only some members are asked.
  bool pass_on = true;      // Flags: whether those who see it send it on.
  uint64_t timeout_ns = 0;  // Answers are taken for so long.
  std::string name;
  std::string payload{};

  friend bool operator==(const SerfQuery&, const SerfQuery&) = default;
};

struct SerfAnswer {
  uint64_t time = 0;  // Of the question, as the next.
  uint32_t id = 0;
  std::string from;  // The member that answers.
  bool ack = false;  // Flags: it says no more than that the question came.
  std::string payload{};

  friend bool operator==(const SerfAnswer&, const SerfAnswer&) = default;
};

// `query` keeps the bounds, and is for all members.
std::string EncodeQuery(const SerfQuery& query);
std::string EncodeAnswer(const SerfAnswer& answer);
// False: it is none, or no good one.
bool DecodeQuery(std::string_view message, SerfQuery& query);
bool DecodeAnswer(std::string_view message, SerfAnswer& answer);

// What is to be done with the keys of the cluster.
enum class KeyVerb : uint8_t { kList, kAdd, kUse, kRemove };

// The query's name of it; and back: false where it is no question about keys.
std::string_view QueryNameOf(KeyVerb verb);
bool KeyVerbOf(std::string_view query_name, KeyVerb& verb);

// The payload of a question about keys: raw bytes of the key, at most kMaxKeyBytes; empty for
// kList.
inline constexpr size_t kMaxKeyBytes = 64;
std::string EncodeKeyRequest(std::string_view key);
bool DecodeKeyRequest(std::string_view payload, std::string& key);

// The payload of its answer.
struct KeyAnswer {
  bool done = false;
  std::string message{};            // Why not.
  std::vector<std::string> keys{};  // Raw bytes, at most kMaxAnswerKeys; Serf's agents tell them of
                                    // a list alone.
  std::string primary{};            // Empty: not told.

  friend bool operator==(const KeyAnswer&, const KeyAnswer&) = default;
};
inline constexpr size_t kMaxAnswerKeys = 15;
std::string EncodeKeyAnswer(const KeyAnswer& answer);
bool DecodeKeyAnswer(std::string_view payload, KeyAnswer& answer);

// Where Serf's clocks stand: the state that goes with a member's table. Of this member only the
// clocks; Serf's agents have more in it, which is left alone.
struct SerfClocks {
  uint64_t intents = 0;  // LTime
  uint64_t queries = 0;  // QueryLTime
};
std::string EncodeClocks(const SerfClocks& clocks);
bool DecodeClocks(std::string_view state, SerfClocks& clocks);

}  // namespace lb::controlplane::swim
