#include "dataplane/control/slot_lane.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace lb::dataplane {

using lb::worker::v1::ConnectRequest;
using lb::worker::v1::Hello;
using lb::worker::v1::SlotEntry;
using lb::worker::v1::SlotGrant;

void SlotLane::AppendTo(Hello& hello) {
  told_ = TakeUse();
  for (const auto& [key, use] : told_) Add(key, use, *hello.add_slots());
}

absl::Status SlotLane::Take(const SlotGrant& grant) {
  if (grant.seq() <= seq_) {
    return absl::InvalidArgumentError(absl::StrCat("slot grant ", grant.seq(), " after ", seq_));
  }
  // Checked first: rights are never set in part.
  for (const SlotGrant::Entry& entry : grant.entries()) {
    if (entry.rule().empty()) {
      return absl::InvalidArgumentError("slot grant without a name");
    }
  }
  for (const SlotGrant::Entry& entry : grant.entries()) {
    if (!registry_.Grant({entry.rule(), entry.backend()}, entry.slots())) {
      return absl::ResourceExhaustedError(
          absl::StrCat("slots of more than ", StateRegistry::kMaxEntries, " backends"));
    }
  }
  seq_ = grant.seq();
  return absl::OkStatus();
}

std::vector<ConnectRequest> SlotLane::Report() {
  std::map<BackendKey, Use> now = TakeUse();
  // What is neither granted nor held any more is said once, as zeros.
  for (const auto& [key, use] : told_) now.try_emplace(key);
  std::vector<ConnectRequest> reports;
  for (const auto& [key, use] : now) {
    const auto before = told_.find(key);
    // Who still waits, or comes again and again, is told of again: demand is believed for a while.
    const bool is_short = use.wanted > std::max(use.granted, use.held);
    if (before != told_.end() && before->second == use && !is_short) continue;
    if (reports.empty() || reports.back().slots().entries_size() >= kMaxEntries) {
      reports.emplace_back().mutable_slots()->set_seq(answered_seq_);
    }
    Add(key, use, *reports.back().mutable_slots()->add_entries());
  }
  if (reports.empty() && seq_ != answered_seq_) reports.emplace_back();
  // The last part answers, not the first: whoever divides the slots may use what a cut sets free
  // only once it knows everything that is still held.
  answered_seq_ = seq_;
  if (!reports.empty()) reports.back().mutable_slots()->set_seq(answered_seq_);
  std::erase_if(now, [](const auto& entry) { return entry.second == Use{}; });
  told_ = std::move(now);
  return reports;
}

std::map<BackendKey, SlotLane::Use> SlotLane::TakeUse() {
  std::map<BackendKey, Use> uses;
  for (auto& use : registry_.TakeSlotUse()) {
    uses.emplace(std::move(use.key), Use{use.granted, use.held, use.wanted});
  }
  return uses;
}

void SlotLane::Add(const BackendKey& key, const Use& use, SlotEntry& entry) {
  entry.set_rule(key.rule);
  entry.set_backend(key.backend);
  entry.set_granted(use.granted);
  entry.set_held(use.held);
  entry.set_wanted(use.wanted);
}

}  // namespace lb::dataplane
