#include "controlplane/membership/stranger_book.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controlplane/membership/place.h"

namespace lb::controlplane::swim {
namespace {

const char* WhatOf(WireError why) {
  switch (why) {
    case WireError::kLabel:
      return "has another label, or none";
    case WireError::kPlaintext:
      return "speaks without a key";
    case WireError::kSealed:
      return "seals with a key, and this host has none";
    default:
      return "seals with another key";
  }
}

std::string Packets(uint64_t count) {
  return absl::StrCat(count, count == 1 ? " packet" : " packets", " in the last minute");
}

}  // namespace

void MinuteCount::Add(uint64_t count, Instant now) {
  const int64_t number = now.time_since_epoch() / kSlice;
  Slice& slice = slices_[static_cast<size_t>(number) % slices_.size()];
  if (std::exchange(slice.number, number) != number) slice.count = 0;
  slice.count += count;
}

uint64_t MinuteCount::Sum(Instant now) const {
  const int64_t number = now.time_since_epoch() / kSlice;
  uint64_t sum = 0;
  for (const Slice& slice : slices_)
    if (slice.number >= 0 && slice.number + static_cast<int64_t>(slices_.size()) > number)
      sum += slice.count;
  return sum;
}

// Null: there is no room.
StrangerBook::Entry* StrangerBook::Find(const std::string& ip, bool peer, Instant now) {
  if (const auto at = entries_.find(ip); at != entries_.end()) return &at->second;
  if (entries_.size() >= kMaxAddresses)
    std::erase_if(entries_, [&](const auto& one) { return one.second.packets.Sum(now) == 0; });
  if (entries_.size() >= kMaxAddresses && peer) {
    const auto other = std::find_if(entries_.begin(), entries_.end(),
                                    [](const auto& one) { return !one.second.peer; });
    if (other != entries_.end()) entries_.erase(other);
  }
  return entries_.size() >= kMaxAddresses ? nullptr : &entries_[ip];
}

void StrangerBook::Note(const std::vector<Stranger>& strangers, const std::set<std::string>& peers,
                        Instant now) {
  for (const Stranger& stranger : strangers) {
    const bool peer = peers.contains(stranger.ip);
    Entry* const entry = Find(stranger.ip, peer, now);
    if (entry == nullptr) {
      others_.Add(stranger.packets, now);
      continue;
    }
    entry->peer = peer;
    entry->packets.Add(stranger.packets, now);
    if (std::exchange(entry->why, stranger.why) != stranger.why) entry->told_at.reset();
    if (entry->told_at && now < *entry->told_at + kAgainAfter) continue;
    if (news_at_) continue;
    news_at_ = now + kGather;
    if (told_at_) news_at_ = std::max<Instant>(*news_at_, *told_at_ + kNewsEvery);
  }
}

void StrangerBook::Clear() {
  entries_.clear();
  others_ = {};
  news_at_.reset();
}

StrangerBook::Strangers StrangerBook::Look(Instant now) const {
  Strangers out{.rows = {}, .others = others_.Sum(now)};
  for (const auto& [ip, entry] : entries_)
    if (const uint64_t packets = entry.packets.Sum(now); packets > 0)
      out.rows.push_back({EndpointOf({ip, 0}).host(), WhatOf(entry.why), packets});
  std::stable_sort(out.rows.begin(), out.rows.end(),
                   [](const Row& a, const Row& b) { return a.packets > b.packets; });
  return out;
}

std::optional<std::string> StrangerBook::TakeNews(Instant now) {
  if (!news_at_ || now < *news_at_) return std::nullopt;
  news_at_.reset();
  std::string text;
  size_t named = 0;
  size_t more = 0;
  for (auto& [ip, entry] : entries_) {
    const uint64_t packets = entry.packets.Sum(now);
    if (packets == 0 || (entry.told_at && now < *entry.told_at + kAgainAfter)) continue;
    entry.told_at = now;
    if (named++ >= kMaxNamed) {
      ++more;
      continue;
    }
    absl::StrAppend(&text, text.empty() ? "" : "; ",
                    Describe({EndpointOf({ip, 0}).host(), WhatOf(entry.why), packets}));
  }
  if (text.empty()) return std::nullopt;
  told_at_ = now;
  if (more > 0 || others_.Sum(now) > 0)
    absl::StrAppend(&text, "; and ", more, others_.Sum(now) > 0 ? " or more" : "",
                    " other addresses");
  return text;
}

std::string Describe(const StrangerBook::Row& row) {
  return absl::StrCat(row.address, " ", row.what, " (", Packets(row.packets), ")");
}

}  // namespace lb::controlplane::swim
