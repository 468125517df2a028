// What Serf's members say to each other on top of memberlist, as far as it is needed to be seen as
// one that left, not as one that failed. Pure; threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace lb::controlplane::swim {

// Lamport's clock of Serf: intents are ordered by it.
class SerfClock final {
 public:
  // Looks at a message of the application, or at the state that goes with a table; what is none of
  // Serf's is left alone, as is a time that it may not follow.
  void Witness(std::string_view payload);

  // That `name` is going, later than all that was seen.
  std::string LeaveIntent(const std::string& name);

  uint64_t time() const { return time_; }

 private:
  uint64_t time_ = 1;
};

// Serf's tags as a member's meta, and back; what is no map of texts has none. At most kMaxMeta
// bytes of them.
using Tags = std::map<std::string, std::string>;
std::string EncodeTags(const Tags& tags);
Tags DecodeTags(std::string_view meta);

}  // namespace lb::controlplane::swim
