#include "controlplane/membership/push_pull.h"

#include "base/check.h"
#include "controlplane/membership/message_fields.h"
#include "controlplane/membership/message_type.h"
#include "controlplane/membership/msgpack_reader.h"
#include "controlplane/membership/msgpack_writer.h"

namespace lb::controlplane::swim {
namespace {

void WriteNodeState(MsgpackWriter& out, const NodeState& node) {
  out.Map(7);
  WriteIp(out, "Addr", node.address.ip);
  WriteUnsigned(out, "Incarnation", node.incarnation);
  WriteMeta(out, "Meta", node.meta);
  WriteName(out, "Name", node.name);
  WriteUnsigned(out, "Port", node.address.port);
  WriteUnsigned(out, "State", static_cast<uint32_t>(node.state));
  WriteVersions(out, "Vsn", node.versions);
}

bool ReadState(MsgpackReader& in, State& state) {
  uint64_t number = 0;
  if (!in.Unsigned(static_cast<uint64_t>(State::kLeft), number)) return false;
  state = static_cast<State>(number);
  return true;
}

}  // namespace

std::string EncodePushPull(const PushPull& push_pull) {
  LB_CHECK(push_pull.nodes.size() <= kMaxNodes && push_pull.user_state.size() <= kMaxUserState);
  MsgpackWriter out(std::string(1, TypeByte(MessageType::kPushPull)));
  out.Map(3);
  WriteBool(out, "Join", push_pull.join);
  WriteUnsigned(out, "Nodes", static_cast<uint32_t>(push_pull.nodes.size()));
  WriteUnsigned(out, "UserStateLen", static_cast<uint32_t>(push_pull.user_state.size()));
  for (const NodeState& node : push_pull.nodes) WriteNodeState(out, node);
  return out.Take() + push_pull.user_state;
}

bool ReadHeader(std::string_view map, PushPullHeader& header) {
  MsgpackReader in(map);
  return ReadMap(in, [&](std::string_view key) {
    if (key == "Join") return in.Bool(header.join);
    if (key == "Nodes") return ReadUnsigned(in, header.nodes);
    if (key == "UserStateLen") return ReadUnsigned(in, header.user_state_bytes);
    return in.Skip();
  });
}

bool ReadNodeState(std::string_view map, NodeState& node) {
  MsgpackReader in(map);
  return ReadMap(in, [&](std::string_view key) {
    if (key == "Addr") return ReadIp(in, node.address.ip);
    if (key == "Incarnation") return ReadUnsigned(in, node.incarnation);
    if (key == "Meta") return ReadMeta(in, node.meta);
    if (key == "Name") return ReadName(in, node.name);
    if (key == "Port") return ReadUnsigned(in, node.address.port);
    if (key == "State") return ReadState(in, node.state);
    if (key == "Vsn") return ReadVersions(in, node.versions);
    return in.Skip();
  });
}

}  // namespace lb::controlplane::swim
