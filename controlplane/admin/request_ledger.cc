#include "controlplane/admin/request_ledger.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/sha256.h"
#include "google/protobuf/descriptor.h"

namespace lb::controlplane {
namespace {

// The id of a message, or "".
std::string IdOf(const google::protobuf::Message& message) {
  const auto* field = message.GetDescriptor()->FindFieldByName("request_id");
  if (field == nullptr || field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_STRING)
    return "";
  return message.GetReflection()->GetString(message, field);
}

}  // namespace

bool RequestLedger::IsGoodId(const google::protobuf::Message& message) {
  const std::string id = IdOf(message);
  return id.size() <= kMaxIdBytes &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

RequestLedger::Begun RequestLedger::Begin(uint64_t request, const std::string& caller,
                                          const google::protobuf::Message& message, Instant now) {
  const std::string id = IdOf(message);
  if (id.empty()) return {};
  LB_CHECK(IsGoodId(message));
  const Key key{caller, std::string(message.GetDescriptor()->full_name()), id};
  const std::string content = Sha256(message.SerializeAsString());
  const auto known = entries_.find(key);
  if (known == entries_.end()) {
    // It stands here, in the order of age, and, while it is under way, by its number.
    constexpr size_t kCopies = 3;
    const size_t bytes =
        kCopies * (caller.size() + std::get<1>(key).size() + id.size()) + content.size();
    kept_bytes_ += bytes;
    const auto age = by_age_.insert(by_age_.end(), key);
    entries_.emplace(key, Entry{content, request, now, age, false, bytes});
    under_way_.emplace(request, key);
    return {};
  }
  Entry& entry = known->second;
  if (entry.content != content) return {Verdict::kReused, 0};
  if (entry.answered) return {Verdict::kRepeat, entry.first};
  entry.waiting.push_back(request);
  entry.bytes += sizeof request;
  kept_bytes_ += sizeof request;
  return {Verdict::kWait, entry.first};
}

std::vector<uint64_t> RequestLedger::Ended(uint64_t request, std::optional<size_t> answer_bytes) {
  const auto under_way = under_way_.extract(request);
  if (under_way.empty()) return {};
  const auto known = entries_.find(under_way.mapped());
  LB_CHECK(known != entries_.end());
  std::vector<uint64_t> waiting = std::exchange(known->second.waiting, {});
  if (answer_bytes) {
    known->second.answered = true;
    known->second.bytes += *answer_bytes;
    kept_bytes_ += *answer_bytes;
  } else {
    Forget(known);
  }
  return waiting;
}

std::vector<uint64_t> RequestLedger::TakeExpired(Instant now) {
  std::vector<uint64_t> expired;
  for (auto age = by_age_.begin(); age != by_age_.end();) {
    const auto entry = entries_.find(*age++);
    LB_CHECK(entry != entries_.end());
    const bool room = entries_.size() <= kMaxKept && kept_bytes_ <= kMaxKeptBytes;
    if (now < entry->second.since + kKept && room) break;
    if (!entry->second.answered) continue;  // It is still wanted; those that are younger go.
    expired.push_back(entry->second.first);
    Forget(entry);
  }
  return expired;
}

void RequestLedger::Forget(std::map<Key, Entry>::iterator entry) {
  kept_bytes_ -= entry->second.bytes;
  by_age_.erase(entry->second.age);
  entries_.erase(entry);
}

}  // namespace lb::controlplane
