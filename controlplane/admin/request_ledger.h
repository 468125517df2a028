// Request ids (AIP-155): a change that is asked for twice with the same id is made once.
//
// Works on every request message with a field "request_id". A repeat gets the first answer, or
// waits for it. What failed had no effect, and is tried again. Everything kept is bounded: ids,
// their number, and the bytes of keys and answers. Threading: none.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/time.h"
#include "google/protobuf/message.h"

namespace lb::controlplane {

class RequestLedger final {
 public:
  static constexpr std::chrono::minutes kKept{10};
  static constexpr size_t kMaxKept = 10'000;
  static constexpr size_t kMaxKeptBytes = 16u << 20;  // Of keys and answers.

  enum class Verdict : uint8_t {
    kNew,     // Carry it out.
    kRepeat,  // Answer as the first one, `first`, was.
    kWait,    // The first one is under way; Ended() gives this one's number.
    kReused,  // Another request had this id.
  };
  struct Begun {
    Verdict verdict = Verdict::kNew;
    uint64_t first = 0;
  };

  // An id is at most so long; a UUID has 36 characters.
  static constexpr size_t kMaxIdBytes = 64;
  // Whether the message's request_id, if it has one, is printable and short enough to be kept.
  static bool IsGoodId(const google::protobuf::Message& message);

  // A call begins: its number, who asks, and the message. Requires IsGoodId.
  Begun Begin(uint64_t request, const std::string& caller, const google::protobuf::Message& message,
              Instant now);

  // The call was answered; gives the numbers of those that wait for the same answer. With the size
  // of the answer it is kept for later repeats; without, it failed and had no effect.
  std::vector<uint64_t> Ended(uint64_t request, std::optional<size_t> answer_bytes);

  // True while the answer of this call is wanted whether or not its caller still waits.
  bool Holds(uint64_t request) const { return under_way_.contains(request); }

  // The first requests whose answers are not needed any more, to be forgotten with them.
  std::vector<uint64_t> TakeExpired(Instant now);

 private:
  using Key = std::tuple<std::string, std::string, std::string>;  // Caller, method, id.
  // The oldest first.
  using Ages = std::list<Key>;
  struct Entry {
    std::string content;
    uint64_t first = 0;
    Instant since{};
    Ages::iterator age{};
    bool answered = false;
    size_t bytes = 0;  // Of its key, and of its answer.
    std::vector<uint64_t> waiting{};
  };

  void Forget(std::map<Key, Entry>::iterator entry);

  std::map<Key, Entry> entries_;
  std::map<uint64_t, Key> under_way_;
  Ages by_age_;
  size_t kept_bytes_ = 0;
};

}  // namespace lb::controlplane
