// What a host tells all others of the limits on open connections that they share, as bytes.
//
// A text begins with its kind and version (HostWordKind::kSlots), then comes lb.host.v1.SlotWord.
// Pure; threading: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/budget/host_id.h"
#include "controlplane/budget/slot_rights.h"
#include "lb/host/v1/host.pb.h"

namespace lb::controlplane {

// Of a text, so that it fits into a packet of 1,400 bytes when it is sealed.
inline constexpr size_t kMaxSlotTextBytes = 1'200;

// What a host uses and wants of one limit.
struct ToldNeed {
  uint64_t limit = 0;  // Over all hosts, by its configuration.
  uint64_t held = 0;
  uint64_t wanted = 0;
  friend bool operator==(const ToldNeed&, const ToldNeed&) = default;
};

// One host's row of one limit, or a part of it.
struct ToldSlots {
  LimitId limit = 0;
  HostId host = 0;
  SlotRow row;
  std::optional<ToldNeed> need{};
  bool complete = false;  // With a need: all that its host knows of the limit is in the same text.
};

struct SlotWord {
  uint64_t round = 0;  // 0: news.
  uint32_t part = 0;
  bool last = false;
  std::vector<ToldSlots> told;
};

// As many texts as it takes, one at least. What is told of one limit, with the row that has the
// need first, stays in one text where it fits; long rows go over several. Texts are the parts of a
// round, or, with round 0, news that stand alone.
std::vector<std::string> EncodeSlots(uint64_t round, const std::vector<ToldSlots>& told);

// Absent: malformed, of another version, too long, or with counts that cannot be.
std::optional<SlotWord> DecodeSlots(std::string_view text);

// For what is stored as well; false: a count cannot be.
void StoreSlots(const ToldSlots& told, host::v1::SlotRow& out);
bool RestoreSlots(const host::v1::SlotRow& stored, ToldSlots& out);

}  // namespace lb::controlplane
