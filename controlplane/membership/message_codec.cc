#include "controlplane/membership/message_codec.h"

#include <utility>
#include <variant>

#include "controlplane/membership/message_fields.h"
#include "controlplane/membership/message_type.h"
#include "controlplane/membership/msgpack_reader.h"
#include "controlplane/membership/msgpack_writer.h"

namespace lb::controlplane::swim {
namespace {

MsgpackWriter Begin(MessageType type, size_t fields) {
  MsgpackWriter out(std::string(1, TypeByte(type)));
  out.Map(fields);
  return out;
}

// The three fields of a sender, which stand beside each other in the order of keys.
size_t SourceFields(const Address& source, const std::string& node) {
  return size_t{!source.ip.empty()} + size_t{!node.empty()} + size_t{source.port != 0};
}

void WriteSource(MsgpackWriter& out, const Address& source, const std::string& node) {
  if (!source.ip.empty()) WriteIp(out, "SourceAddr", source.ip);
  if (!node.empty()) WriteName(out, "SourceNode", node);
  if (source.port != 0) WriteUnsigned(out, "SourcePort", source.port);
}

template <typename T>
bool ReadSource(MsgpackReader& in, std::string_view key, T& message) {
  if (key == "SourceAddr") return ReadIp(in, message.source.ip);
  if (key == "SourceNode") return ReadName(in, message.source_node);
  if (key == "SourcePort") return ReadUnsigned(in, message.source.port);
  return in.Skip();
}

std::string Write(const Ping& ping) {
  MsgpackWriter out = Begin(MessageType::kPing, 2 + SourceFields(ping.source, ping.source_node));
  WriteName(out, "Node", ping.node);
  WriteUnsigned(out, "SeqNo", ping.seq_no);
  WriteSource(out, ping.source, ping.source_node);
  return out.Take();
}

bool ReadField(MsgpackReader& in, std::string_view key, Ping& ping) {
  if (key == "Node") return ReadName(in, ping.node);
  if (key == "SeqNo") return ReadUnsigned(in, ping.seq_no);
  return ReadSource(in, key, ping);
}

std::string Write(const IndirectPing& ping) {
  MsgpackWriter out =
      Begin(MessageType::kIndirectPing, 5 + SourceFields(ping.source, ping.source_node));
  WriteBool(out, "Nack", ping.nack);
  WriteName(out, "Node", ping.node);
  WriteUnsigned(out, "Port", ping.target.port);
  WriteUnsigned(out, "SeqNo", ping.seq_no);
  WriteSource(out, ping.source, ping.source_node);
  WriteIp(out, "Target", ping.target.ip);
  return out.Take();
}

bool ReadField(MsgpackReader& in, std::string_view key, IndirectPing& ping) {
  if (key == "Nack") return in.Bool(ping.nack);
  if (key == "Node") return ReadName(in, ping.node);
  if (key == "Port") return ReadUnsigned(in, ping.target.port);
  if (key == "SeqNo") return ReadUnsigned(in, ping.seq_no);
  if (key == "Target") return ReadIp(in, ping.target.ip);
  return ReadSource(in, key, ping);
}

std::string Write(const Ack& ack) {
  MsgpackWriter out = Begin(MessageType::kAck, 2);
  out.Text("Payload");
  out.Bytes(ack.payload);
  WriteUnsigned(out, "SeqNo", ack.seq_no);
  return out.Take();
}

bool ReadField(MsgpackReader& in, std::string_view key, Ack& ack) {
  if (key == "SeqNo") return ReadUnsigned(in, ack.seq_no);
  if (key != "Payload") return in.Skip();
  std::string_view payload;
  if (!in.Text(payload) || payload.size() > kMaxDatagram) return false;
  ack.payload = payload;
  return true;
}

std::string Write(const Nack& nack) {
  MsgpackWriter out = Begin(MessageType::kNack, 1);
  WriteUnsigned(out, "SeqNo", nack.seq_no);
  return out.Take();
}

bool ReadField(MsgpackReader& in, std::string_view key, Nack& nack) {
  return key == "SeqNo" ? ReadUnsigned(in, nack.seq_no) : in.Skip();
}

// Suspect and Dead differ in what they say, not in how.
template <typename T>
std::string WriteClaim(MessageType type, const T& claim) {
  MsgpackWriter out = Begin(type, 3);
  WriteName(out, "From", claim.from);
  WriteUnsigned(out, "Incarnation", claim.incarnation);
  WriteName(out, "Node", claim.node);
  return out.Take();
}

template <typename T>
bool ReadClaim(MsgpackReader& in, std::string_view key, T& claim) {
  if (key == "From") return ReadName(in, claim.from);
  if (key == "Incarnation") return ReadUnsigned(in, claim.incarnation);
  if (key == "Node") return ReadName(in, claim.node);
  return in.Skip();
}

std::string Write(const Suspect& suspect) { return WriteClaim(MessageType::kSuspect, suspect); }

bool ReadField(MsgpackReader& in, std::string_view key, Suspect& suspect) {
  return ReadClaim(in, key, suspect);
}

std::string Write(const Dead& dead) { return WriteClaim(MessageType::kDead, dead); }

bool ReadField(MsgpackReader& in, std::string_view key, Dead& dead) {
  return ReadClaim(in, key, dead);
}

std::string Write(const Alive& alive) {
  MsgpackWriter out = Begin(MessageType::kAlive, 6);
  WriteIp(out, "Addr", alive.address.ip);
  WriteUnsigned(out, "Incarnation", alive.incarnation);
  WriteMeta(out, "Meta", alive.meta);
  WriteName(out, "Node", alive.node);
  WriteUnsigned(out, "Port", alive.address.port);
  WriteVersions(out, "Vsn", alive.versions);
  return out.Take();
}

bool ReadField(MsgpackReader& in, std::string_view key, Alive& alive) {
  if (key == "Addr") return ReadIp(in, alive.address.ip);
  if (key == "Incarnation") return ReadUnsigned(in, alive.incarnation);
  if (key == "Meta") return ReadMeta(in, alive.meta);
  if (key == "Node") return ReadName(in, alive.node);
  if (key == "Port") return ReadUnsigned(in, alive.address.port);
  if (key == "Vsn") return ReadVersions(in, alive.versions);
  return in.Skip();
}

std::string Write(const User& user) { return TypeByte(MessageType::kUser) + user.payload; }

template <typename T>
WireError ReadAs(std::string_view body, Message& message) {
  T read{};
  MsgpackReader in(body);
  if (!ReadMap(in, [&](std::string_view key) { return ReadField(in, key, read); })) {
    return WireError::kMessage;
  }
  message = std::move(read);
  return WireError::kNone;
}

}  // namespace

std::string Encode(const Message& message) {
  return std::visit([](const auto& one) { return Write(one); }, message);
}

WireError Decode(std::string_view part, Message& message) {
  if (part.empty()) return WireError::kMessage;
  const std::string_view body = part.substr(1);
  switch (MessageType{static_cast<uint8_t>(part[0])}) {
    case MessageType::kPing:
      return ReadAs<Ping>(body, message);
    case MessageType::kIndirectPing:
      return ReadAs<IndirectPing>(body, message);
    case MessageType::kAck:
      return ReadAs<Ack>(body, message);
    case MessageType::kNack:
      return ReadAs<Nack>(body, message);
    case MessageType::kSuspect:
      return ReadAs<Suspect>(body, message);
    case MessageType::kAlive:
      return ReadAs<Alive>(body, message);
    case MessageType::kDead:
      return ReadAs<Dead>(body, message);
    case MessageType::kUser:
      message = User{.payload = std::string(body)};
      return WireError::kNone;
    default:
      return WireError::kType;
  }
}

}  // namespace lb::controlplane::swim
