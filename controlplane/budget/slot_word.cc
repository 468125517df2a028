#include "controlplane/budget/slot_word.h"

#include <algorithm>
#include <utility>

#include "controlplane/membership/host_channel.h"

namespace lb::controlplane {
namespace {

constexpr char kKindAndVersion = static_cast<char>(HostWordKind::kSlots);
// Of one row in a text: each takes 20 bytes at most, so that a row with as many fits.
constexpr size_t kMovesOfPart = 40;
// What a word needs beside its rows.
constexpr size_t kHeadBytes = 32;
// What a row needs in a word beside its own bytes, and a flag that is set late.
constexpr size_t kRowBytes = 5;

// Splits a row into some with kMovesOfPart each; the need is in the first.
std::vector<host::v1::SlotRow> PartsOf(const ToldSlots& told) {
  std::vector<host::v1::SlotRow> parts(1);
  host::v1::SlotRow& first = parts.front();
  ToldSlots bare{.limit = told.limit, .host = told.host, .row = {}, .need = told.need};
  bare.row.minted = told.row.minted;
  bare.row.unminted = told.row.unminted;
  StoreSlots(bare, first);
  bare.need.reset();
  size_t moves = 0;
  const auto add = [&](bool given, const std::pair<const HostId, uint64_t>& move) {
    if (moves == kMovesOfPart) {
      StoreSlots(bare, parts.emplace_back());
      moves = 0;
    }
    host::v1::SlotRow& row = parts.back();
    host::v1::SlotRow::Moved& moved = given ? *row.add_given() : *row.add_seized();
    moved.set_host(move.first);
    moved.set_slots(move.second);
    ++moves;
  };
  for (const auto& move : told.row.given) add(true, move);
  for (const auto& move : told.row.seized) add(false, move);
  return parts;
}

bool RestoreMoves(const google::protobuf::RepeatedPtrField<host::v1::SlotRow::Moved>& from,
                  std::map<HostId, uint64_t>& to) {
  for (const host::v1::SlotRow::Moved& moved : from) {
    if (moved.slots() > SlotRights::kMaxCount) return false;
    to[moved.host()] = moved.slots();
  }
  return true;
}

}  // namespace

void StoreSlots(const ToldSlots& told, host::v1::SlotRow& out) {
  out.set_limit(told.limit);
  out.set_host(told.host);
  out.set_minted(told.row.minted);
  out.set_unminted(told.row.unminted);
  for (const auto& [host, slots] : told.row.given) {
    host::v1::SlotRow::Moved& moved = *out.add_given();
    moved.set_host(host);
    moved.set_slots(slots);
  }
  for (const auto& [host, slots] : told.row.seized) {
    host::v1::SlotRow::Moved& moved = *out.add_seized();
    moved.set_host(host);
    moved.set_slots(slots);
  }
  if (!told.need) return;
  out.mutable_need()->set_limit_slots(told.need->limit);
  out.mutable_need()->set_held(told.need->held);
  out.mutable_need()->set_wanted(told.need->wanted);
}

bool RestoreSlots(const host::v1::SlotRow& stored, ToldSlots& out) {
  out.limit = stored.limit();
  out.host = stored.host();
  if (stored.minted() > SlotRights::kMaxCount || stored.unminted() > SlotRights::kMaxCount)
    return false;
  out.row.minted = stored.minted();
  out.row.unminted = stored.unminted();
  if (!RestoreMoves(stored.given(), out.row.given)) return false;
  if (!RestoreMoves(stored.seized(), out.row.seized)) return false;
  if (!stored.has_need()) return true;
  const host::v1::SlotNeed& need = stored.need();
  out.complete = stored.complete();
  out.need = ToldNeed{need.limit_slots(), need.held(), need.wanted()};
  return need.limit_slots() <= SlotRights::kMaxCount && need.held() <= SlotRights::kMaxCount &&
         need.wanted() <= SlotRights::kMaxCount;
}

std::vector<std::string> EncodeSlots(uint64_t round, const std::vector<ToldSlots>& told) {
  std::vector<host::v1::SlotWord> words(1);
  size_t bytes = kHeadBytes;
  for (auto at = told.begin(); at != told.end();) {
    std::vector<host::v1::SlotRow> rows;
    size_t together = 0;
    const LimitId limit = at->limit;
    for (; at != told.end() && at->limit == limit; ++at)
      for (host::v1::SlotRow& row : PartsOf(*at)) {
        together += row.ByteSizeLong() + kRowBytes;
        rows.push_back(std::move(row));
      }
    const bool fits = kHeadBytes + together <= kMaxSlotTextBytes;
    if (fits && rows.front().has_need()) rows.front().set_complete(true);
    for (host::v1::SlotRow& row : rows) {
      const size_t own = row.ByteSizeLong() + kRowBytes;
      if (bytes + (fits ? std::max(own, together) : own) > kMaxSlotTextBytes) {
        words.emplace_back();
        bytes = kHeadBytes;
      }
      bytes += own;
      together -= std::min(together, own);
      *words.back().add_rows() = std::move(row);
    }
  }
  std::vector<std::string> texts;
  for (size_t i = 0; i < words.size(); ++i) {
    words[i].set_round(round);
    words[i].set_part(static_cast<uint32_t>(i));
    words[i].set_last(i + 1 == words.size());
    texts.push_back(kKindAndVersion + words[i].SerializeAsString());
  }
  return texts;
}

std::optional<SlotWord> DecodeSlots(std::string_view text) {
  if (text.empty() || text.front() != kKindAndVersion || text.size() > kMaxSlotTextBytes)
    return std::nullopt;
  host::v1::SlotWord word;
  if (!word.ParseFromArray(text.data() + 1, static_cast<int>(text.size() - 1))) return std::nullopt;
  SlotWord out{.round = word.round(), .part = word.part(), .last = word.last(), .told = {}};
  for (const host::v1::SlotRow& row : word.rows())
    if (!RestoreSlots(row, out.told.emplace_back())) return std::nullopt;
  return out;
}

}  // namespace lb::controlplane
