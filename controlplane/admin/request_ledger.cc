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
  const Key key{caller, std::string(message.GetDescriptor()->full_name()), id};
  const std::string content = Sha256(message.SerializeAsString());
  const auto known = entries_.find(key);
  if (known == entries_.end()) {
    entries_.emplace(key, Entry{content, request, false, 0, {}});
    under_way_.emplace(request, key);
    by_age_.push_back({now, key, request});
    return {};
  }
  Entry& entry = known->second;
  if (entry.content != content) return {Verdict::kReused, 0};
  if (entry.answered) return {Verdict::kRepeat, entry.first};
  entry.waiting.push_back(request);
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
    known->second.answer_bytes = *answer_bytes;
    kept_bytes_ += *answer_bytes;
  } else {
    entries_.erase(known);
  }
  return waiting;
}

std::vector<uint64_t> RequestLedger::TakeExpired(Instant now) {
  std::vector<uint64_t> expired;
  while (!by_age_.empty()) {
    const Age& oldest = by_age_.front();
    const auto known = entries_.find(oldest.key);
    // One that failed has left already; a later one may have its key.
    const bool current = known != entries_.end() && known->second.first == oldest.first;
    if (current && !known->second.answered) break;
    const bool room = by_age_.size() <= kMaxKept && kept_bytes_ <= kMaxKeptBytes;
    if (current && now < oldest.since + kKept && room) break;
    if (current) {
      expired.push_back(oldest.first);
      kept_bytes_ -= known->second.answer_bytes;
      entries_.erase(known);
    }
    by_age_.pop_front();
  }
  return expired;
}

}  // namespace lb::controlplane
