#include "controlplane/membership/serf_intents.h"

#include <algorithm>

#include "controlplane/membership/messages.h"
#include "controlplane/membership/msgpack_reader.h"
#include "controlplane/membership/msgpack_writer.h"
#include "controlplane/membership/serf_query.h"

namespace lb::controlplane::swim {
namespace {

// Serf's kinds of messages, the first byte.
constexpr char kLeaveIntent = 0;
constexpr char kJoinIntent = 1;
constexpr char kPushPull = 2;
constexpr char kTagsMagic = static_cast<char>(0xff);
constexpr size_t kMaxTags = 15;

}  // namespace

void SerfClock::Witness(std::string_view payload) {
  if (payload.empty()) return;
  const char kind = payload.front();
  if (kind != kLeaveIntent && kind != kJoinIntent && kind != kPushPull) return;
  MsgpackReader in(payload.substr(1));
  uint64_t seen = 0;
  ReadMap(in, [&](std::string_view key) {
    return key == "LTime" ? in.Unsigned(kMaxSerfTime, seen) : in.Skip();
  });
  if (MayFollow(time_, seen)) time_ = std::max(time_, seen + 1);
}

std::string SerfClock::LeaveIntent(const std::string& name) {
  MsgpackWriter out(std::string(1, kLeaveIntent));
  out.Map(3);
  out.Text("LTime");
  out.Unsigned(++time_);
  out.Text("Node");
  out.Text(name);
  out.Text("Prune");
  out.Bool(false);
  return out.Take();
}

std::string EncodeTags(const Tags& tags) {
  MsgpackWriter out(std::string(1, kTagsMagic));
  out.Map(std::min(tags.size(), kMaxTags));
  size_t written = 0;
  for (const auto& [key, value] : tags) {
    if (written++ == kMaxTags) break;
    out.Text(key);
    out.Text(value);
  }
  return out.Take();
}

Tags DecodeTags(std::string_view meta) {
  Tags tags;
  if (meta.empty() || meta.front() != kTagsMagic) return tags;
  MsgpackReader in(meta.substr(1));
  const bool good = ReadMap(in, [&](std::string_view key) {
    std::string_view value;
    if (!in.Text(value)) return false;
    tags.insert_or_assign(std::string(key), std::string(value));
    return true;
  });
  return good ? tags : Tags{};
}

}  // namespace lb::controlplane::swim
