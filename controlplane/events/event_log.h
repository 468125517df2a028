// What happened, newest last: a bounded list, and who watches it.
//
// An event has a number that only grows within one life of the control plane. Its token names life
// and number, so that a watch that was cut goes on exactly after it, and one of another life is
// told that there is a gap. Threading: none.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controlplane/admin/failure.h"
#include "controlplane/admin/filter.h"
#include "lb/admin/v1/event.pb.h"

namespace lb::controlplane {

// Which events somebody wants.
struct EventFilter {
  std::vector<std::string> kinds;  // Each a kind or the part of it before a dot; empty: all.
  std::string resource;            // Itself and what is below; empty: all.
  Filter expression{};             // Of what else its fields are to be.

  bool Wants(const admin::v1::Event& event) const;
};

class EventLog final {
 public:
  // Events kept for those who come back, and those who watch at once.
  static constexpr size_t kMaxEvents = 10'000;
  static constexpr size_t kMaxWatches = 64;
  // Bytes of the events kept.
  static constexpr size_t kMaxBytes = 4u << 20;
  // Longest texts of an event, and most attributes.
  static constexpr size_t kMaxTextBytes = 1024;
  static constexpr size_t kMaxAttributeBytes = 512;
  static constexpr size_t kMaxAttributes = 16;

  explicit EventLog(std::string life) : life_(std::move(life)) {}

  using Shared = std::shared_ptr<const admin::v1::Event>;

  // Keeps an event and gives it its token; texts are cut. Everybody who is sent it shares it.
  Shared Add(admin::v1::Event event);

  // The number of the event that a token names, so that those after it are still to be seen.
  // OutOfRange RESUME_TOKEN_TOO_OLD when some of them are kept no more, or the token is of another
  // life; InvalidArgument when it is no token.
  Outcome<uint64_t> Resume(const std::string& token) const;

  // The kept ones with a number above `after`, oldest first.
  std::vector<Shared> After(uint64_t after) const;

  // The number of the newest; 0 before the first.
  uint64_t newest() const { return newest_; }
  static uint64_t NumberOf(const admin::v1::Event& event);

  // Who watches, by request. RESOURCE_EXHAUSTED TOO_MANY_WATCHES is the caller's to say.
  std::map<uint64_t, EventFilter> watches;

 private:
  const std::string life_;
  std::deque<Shared> events_;
  size_t bytes_ = 0;  // Of all of them.
  uint64_t newest_ = 0;
};

}  // namespace lb::controlplane
