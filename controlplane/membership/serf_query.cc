#include "controlplane/membership/serf_query.h"

#include <array>
#include <limits>
#include <utility>

#include "absl/strings/escaping.h"
#include "base/check.h"
#include "controlplane/membership/message_fields.h"
#include "controlplane/membership/msgpack_reader.h"
#include "controlplane/membership/msgpack_writer.h"

namespace lb::controlplane::swim {
namespace {

// Serf's kinds of messages, the first byte.
constexpr char kPushPull = 2;
constexpr char kQuery = 4;
constexpr char kQueryResponse = 5;
constexpr char kKeyRequest = 7;
constexpr char kKeyResponse = 8;

constexpr uint32_t kAckFlag = 1;  // Of a question: acks are wanted; of an answer: it is one.
constexpr uint32_t kNoBroadcastFlag = 2;  // Of a question.

// Base64 of kMaxKeyBytes, and some: what is no key is left out, not the whole answer.
constexpr size_t kMaxKeyText = 128;

constexpr std::array<std::string_view, 4> kQueryNames = {"_serf_list-keys", "_serf_install-key",
                                                         "_serf_use-key", "_serf_remove-key"};

// Text of at most `max` bytes.
bool ReadText(MsgpackReader& in, size_t max, std::string& text) {
  std::string_view read;
  if (!in.Text(read) || read.size() > max) return false;
  text = read;
  return true;
}

// Whether there is anything in an array.
bool ReadAny(MsgpackReader& in, bool& any) {
  uint64_t items = 0;
  if (!in.Array(items)) return false;
  any = items > 0;
  for (; items > 0; --items)
    if (!in.Skip()) return false;
  return true;
}

std::string FromBase64(const std::string& text) {
  std::string bytes;
  if (!absl::Base64Unescape(text, &bytes) || bytes.size() > kMaxKeyBytes) bytes.clear();
  return bytes;
}

bool ReadKey(MsgpackReader& in, std::string& key) {
  std::string text;
  if (!ReadText(in, kMaxKeyText, text)) return false;
  key = FromBase64(text);
  return true;
}

bool ReadKeys(MsgpackReader& in, std::vector<std::string>& keys) {
  uint64_t items = 0;
  if (!in.Array(items)) return false;
  for (; items > 0; --items) {
    std::string key;
    if (!ReadKey(in, key)) return false;
    if (!key.empty() && keys.size() < kMaxAnswerKeys) keys.push_back(std::move(key));
  }
  return true;
}

void WriteText(MsgpackWriter& out, std::string_view key, std::string_view text) {
  out.Text(key);
  out.Text(text);
}

void WriteNumber(MsgpackWriter& out, std::string_view key, uint64_t number) {
  out.Text(key);
  out.Unsigned(number);
}

// A map behind its kind.
template <typename Field>
bool ReadKind(std::string_view message, char kind, MsgpackReader& in, const Field& field) {
  return !message.empty() && message.front() == kind && ReadMap(in, field);
}

std::string_view Body(std::string_view message) { return message.substr(message.empty() ? 0 : 1); }

}  // namespace

std::string EncodeQuery(const SerfQuery& query) {
  LB_CHECK(!query.for_some && query.name.size() <= kMaxQueryName &&
           query.payload.size() <= kMaxQueryPayload);
  MsgpackWriter out(std::string(1, kQuery));
  out.Map(11);
  WriteText(out, "Addr", query.reply_to.ip);
  out.Text("Filters");
  out.Bytes({});
  WriteNumber(out, "Flags", query.pass_on ? 0 : kNoBroadcastFlag);
  WriteNumber(out, "ID", query.id);
  WriteNumber(out, "LTime", query.time);
  WriteText(out, "Name", query.name);
  WriteText(out, "Payload", query.payload);
  WriteNumber(out, "Port", query.reply_to.port);
  WriteNumber(out, "RelayFactor", 0);
  WriteText(out, "SourceNode", query.from);
  WriteNumber(out, "Timeout", query.timeout_ns);
  return out.Take();
}

bool DecodeQuery(std::string_view message, SerfQuery& query) {
  query = {};
  MsgpackReader in(Body(message));
  uint32_t flags = 0;
  const bool good = ReadKind(message, kQuery, in, [&](std::string_view key) {
    if (key == "Addr") return ReadIp(in, query.reply_to.ip);
    if (key == "Filters") return ReadAny(in, query.for_some);
    if (key == "Flags") return ReadUnsigned(in, flags);
    if (key == "ID") return ReadUnsigned(in, query.id);
    if (key == "LTime") return in.Unsigned(kMaxSerfTime, query.time);
    if (key == "Name") return ReadText(in, kMaxQueryName, query.name);
    if (key == "Payload") return ReadText(in, kMaxQueryPayload, query.payload);
    if (key == "Port") return ReadUnsigned(in, query.reply_to.port);
    if (key == "SourceNode") return ReadText(in, kMaxName, query.from);
    if (key == "Timeout") return in.Unsigned(std::numeric_limits<int64_t>::max(), query.timeout_ns);
    return in.Skip();
  });
  query.pass_on = (flags & kNoBroadcastFlag) == 0;
  return good;
}

std::string EncodeAnswer(const SerfAnswer& answer) {
  LB_CHECK(answer.payload.size() <= kMaxQueryPayload);
  MsgpackWriter out(std::string(1, kQueryResponse));
  out.Map(5);
  WriteNumber(out, "Flags", answer.ack ? kAckFlag : 0);
  WriteText(out, "From", answer.from);
  WriteNumber(out, "ID", answer.id);
  WriteNumber(out, "LTime", answer.time);
  WriteText(out, "Payload", answer.payload);
  return out.Take();
}

bool DecodeAnswer(std::string_view message, SerfAnswer& answer) {
  answer = {};
  MsgpackReader in(Body(message));
  uint32_t flags = 0;
  const bool good = ReadKind(message, kQueryResponse, in, [&](std::string_view key) {
    if (key == "Flags") return ReadUnsigned(in, flags);
    if (key == "From") return ReadText(in, kMaxName, answer.from);
    if (key == "ID") return ReadUnsigned(in, answer.id);
    if (key == "LTime") return in.Unsigned(kMaxSerfTime, answer.time);
    if (key == "Payload") return ReadText(in, kMaxQueryPayload, answer.payload);
    return in.Skip();
  });
  answer.ack = (flags & kAckFlag) != 0;
  return good;
}

std::string_view QueryNameOf(KeyVerb verb) { return kQueryNames[static_cast<size_t>(verb)]; }

bool KeyVerbOf(std::string_view query_name, KeyVerb& verb) {
  for (size_t i = 0; i < kQueryNames.size(); ++i) {
    if (kQueryNames[i] != query_name) continue;
    verb = static_cast<KeyVerb>(i);
    return true;
  }
  return false;
}

std::string EncodeKeyRequest(std::string_view key) {
  MsgpackWriter out(std::string(1, kKeyRequest));
  out.Map(1);
  WriteText(out, "Key", key);
  return out.Take();
}

bool DecodeKeyRequest(std::string_view payload, std::string& key) {
  key.clear();
  MsgpackReader in(Body(payload));
  return ReadKind(payload, kKeyRequest, in, [&](std::string_view field) {
    return field == "Key" ? ReadText(in, kMaxKeyBytes, key) : in.Skip();
  });
}

std::string EncodeKeyAnswer(const KeyAnswer& answer) {
  LB_CHECK(answer.keys.size() <= kMaxAnswerKeys);
  MsgpackWriter out(std::string(1, kKeyResponse));
  out.Map(4);
  out.Text("Keys");
  if (answer.keys.empty()) {
    out.Bytes({});
  } else {
    out.Array(answer.keys.size());
    for (const std::string& key : answer.keys) out.Text(absl::Base64Escape(key));
  }
  WriteText(out, "Message", answer.message);
  WriteText(out, "PrimaryKey", absl::Base64Escape(answer.primary));
  out.Text("Result");
  out.Bool(answer.done);
  return out.Take();
}

bool DecodeKeyAnswer(std::string_view payload, KeyAnswer& answer) {
  answer = {};
  MsgpackReader in(Body(payload));
  return ReadKind(payload, kKeyResponse, in, [&](std::string_view key) {
    if (key == "Keys") return ReadKeys(in, answer.keys);
    if (key == "Message") return ReadText(in, kMaxQueryPayload, answer.message);
    if (key == "PrimaryKey") return ReadKey(in, answer.primary);
    if (key == "Result") return in.Bool(answer.done);
    return in.Skip();
  });
}

std::string EncodeClocks(const SerfClocks& clocks) {
  MsgpackWriter out(std::string(1, kPushPull));
  out.Map(6);
  // No events are kept here; a clock of 0 is none that Serf's agents begin with.
  WriteNumber(out, "EventLTime", 1);
  out.Text("Events");
  out.Bytes({});
  WriteNumber(out, "LTime", clocks.intents);
  out.Text("LeftMembers");
  out.Bytes({});
  WriteNumber(out, "QueryLTime", clocks.queries);
  out.Text("StatusLTimes");
  out.Map(0);
  return out.Take();
}

bool DecodeClocks(std::string_view state, SerfClocks& clocks) {
  clocks = {};
  MsgpackReader in(Body(state));
  return ReadKind(state, kPushPull, in, [&](std::string_view key) {
    if (key == "LTime") return in.Unsigned(kMaxSerfTime, clocks.intents);
    if (key == "QueryLTime") return in.Unsigned(kMaxSerfTime, clocks.queries);
    return in.Skip();
  });
}

}  // namespace lb::controlplane::swim
