#include "controlplane/membership/stream_message.h"

#include <utility>
#include <variant>

#include "base/check.h"
#include "controlplane/membership/compression.h"
#include "controlplane/membership/message_codec.h"
#include "controlplane/membership/message_fields.h"
#include "controlplane/membership/push_pull.h"

namespace lb::controlplane::swim {
namespace {

bool IsStreamType(MessageType type) {
  return type == MessageType::kPing || type == MessageType::kAck ||
         type == MessageType::kPushPull || type == MessageType::kUser ||
         type == MessageType::kCompressed || type == MessageType::kError;
}

std::string Write(const Ping& ping) { return Encode(ping); }

std::string Write(const Ack& ack) { return Encode(ack); }

std::string Write(const PushPull& push_pull) { return EncodePushPull(push_pull); }

std::string Write(const User& user) {
  LB_CHECK(user.payload.size() <= kMaxUserState);
  MsgpackWriter out(std::string(1, TypeByte(MessageType::kUser)));
  out.Map(1);
  WriteUnsigned(out, "UserMsgLen", static_cast<uint32_t>(user.payload.size()));
  return out.Take() + user.payload;
}

std::string Write(const ErrorReply& reply) {
  LB_CHECK(reply.error.size() <= kMaxErrorText);
  MsgpackWriter out(std::string(1, TypeByte(MessageType::kError)));
  out.Map(1);
  out.Text("Error");
  out.Text(reply.error);
  return out.Take();
}

}  // namespace

std::string EncodeStream(const StreamMessage& message) {
  return std::visit([](const auto& one) { return Write(one); }, message);
}

void StreamMessageReader::Feed(std::string_view bytes) {
  if (over()) return;
  held_.append(bytes);
  while (!over() && Step()) {
  }
  if (!over() && unpacked_) Fail(WireError::kMessage);
  if (over()) {
    held_ = {};
  } else if (at_ > held_.size() / 2) {  // Moves fewer bytes than were taken.
    held_.erase(0, at_);
    at_ = 0;
  }
}

// False: more has to come.
bool StreamMessageReader::Step() {
  switch (phase_) {
    case Phase::kMessage:
      return TakeMessage();
    case Phase::kNode:
      return TakeNode();
    case Phase::kTail:
      return TakeTail();
  }
  return false;
}

// The map that begins `offset` bytes after what was taken, once it is whole.
std::optional<std::string_view> StreamMessageReader::NextMap(size_t offset) {
  const std::string_view rest = std::string_view(held_).substr(at_ + offset);
  const MsgpackRead read = scanner_.Scan(rest);
  if (read == MsgpackRead::kBad) Fail(WireError::kMessage);
  if (read != MsgpackRead::kOk) return std::nullopt;
  const std::string_view map = rest.substr(0, scanner_.end());
  scanner_ = {};
  at_ += offset + map.size();
  return map;
}

bool StreamMessageReader::TakeMessage() {
  if (at_ == held_.size()) return false;
  const MessageType type{static_cast<uint8_t>(held_[at_])};
  if (!IsStreamType(type) || (unpacked_ && type == MessageType::kCompressed)) {
    Fail(WireError::kType);
    return false;
  }
  const std::optional<std::string_view> map = NextMap(1);
  if (!map.has_value()) return false;
  TakeMap(type, *map);
  return true;
}

void StreamMessageReader::TakeMap(MessageType type, std::string_view map) {
  switch (type) {
    case MessageType::kPushPull:
      return TakePushPull(map);
    case MessageType::kUser:
      return TakeUser(map);
    case MessageType::kError:
      return TakeError(map);
    case MessageType::kCompressed:
      return TakeCompressed(map);
    default:
      break;
  }
  Message message;
  const WireError error = Decode(TypeByte(type) + std::string(map), message);
  if (error != WireError::kNone) return Fail(error);
  if (auto* const ping = std::get_if<Ping>(&message)) read_ = std::move(*ping);
  if (auto* const ack = std::get_if<Ack>(&message)) read_ = std::move(*ack);
  done_ = true;
}

void StreamMessageReader::TakePushPull(std::string_view header) {
  PushPullHeader read;
  if (!ReadHeader(header, read)) return Fail(WireError::kMessage);
  if (read.nodes > kMaxNodes || read.user_state_bytes > kMaxUserState) {
    return Fail(WireError::kTooLong);
  }
  read_ = PushPull{.join = read.join, .nodes = {}};
  nodes_left_ = read.nodes;
  ExpectTail(read.user_state_bytes);
  if (nodes_left_ > 0) phase_ = Phase::kNode;
}

bool StreamMessageReader::TakeNode() {
  const std::optional<std::string_view> map = NextMap(0);
  if (!map.has_value()) return false;
  NodeState node;
  if (!ReadNodeState(*map, node)) {
    Fail(WireError::kMessage);
    return false;
  }
  std::get<PushPull>(read_).nodes.push_back(std::move(node));
  if (--nodes_left_ == 0) phase_ = Phase::kTail;
  return true;
}

void StreamMessageReader::TakeUser(std::string_view header) {
  MsgpackReader in(header);
  uint32_t bytes = 0;
  const bool good = ReadMap(in, [&](std::string_view key) {
    return key == "UserMsgLen" ? ReadUnsigned(in, bytes) : in.Skip();
  });
  if (!good) return Fail(WireError::kMessage);
  if (bytes > kMaxUserState) return Fail(WireError::kTooLong);
  read_ = User{};
  ExpectTail(bytes);
}

void StreamMessageReader::TakeError(std::string_view map) {
  MsgpackReader in(map);
  std::string_view error;
  const bool good = ReadMap(
      in, [&](std::string_view key) { return key == "Error" ? in.Text(error) : in.Skip(); });
  if (!good || error.size() > kMaxErrorText) return Fail(WireError::kMessage);
  read_ = ErrorReply{.error = std::string(error)};
  done_ = true;
}

// Goes on with what was unpacked, which has to be a whole message.
void StreamMessageReader::TakeCompressed(std::string_view map) {
  std::string unpacked;
  const WireError error = Unpack(map, kMaxStream, unpacked);
  if (error != WireError::kNone) return Fail(error);
  held_ = std::move(unpacked);
  at_ = 0;
  unpacked_ = true;
}

void StreamMessageReader::ExpectTail(uint32_t bytes) {
  tail_bytes_ = bytes;
  phase_ = Phase::kTail;
}

bool StreamMessageReader::TakeTail() {
  if (held_.size() - at_ < tail_bytes_) return false;
  std::string tail = held_.substr(at_, tail_bytes_);
  if (auto* const user = std::get_if<User>(&read_)) user->payload = std::move(tail);
  if (auto* const push_pull = std::get_if<PushPull>(&read_)) {
    push_pull->user_state = std::move(tail);
  }
  done_ = true;
  return true;
}

}  // namespace lb::controlplane::swim
