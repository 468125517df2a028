#include "controlplane/snapshot/encode.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "base/check.h"
#include "base/sha256.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::controlplane {
namespace {

void AddBackend(const LiveBackend& backend, type::v1::Rule& out) {
  type::v1::Backend& to = *out.add_backends();
  to.set_name(backend.name);
  to.set_address(backend.address.ToString());
  to.set_weight(backend.weight);
  to.set_max_connections(backend.max_connections);
}

void AddRule(const LiveRule& rule, type::v1::Snapshot& out) {
  type::v1::Rule& to = *out.add_rules();
  to.set_name(rule.name);
  to.set_listen(rule.listen.ToString());
  for (const LiveBackend& backend : rule.backends) AddBackend(backend, to);
  to.mutable_timeouts()->set_connect_ms(static_cast<uint64_t>(rule.timeouts.connect.count()));
  to.mutable_timeouts()->set_idle_ms(static_cast<uint64_t>(rule.timeouts.idle.count()));
  to.mutable_timeouts()->set_half_close_ms(static_cast<uint64_t>(rule.timeouts.half_close.count()));
  to.set_balance(type::v1::BALANCE_WEIGHTED_ROUND_ROBIN);
  to.set_connect_attempts(rule.connect_attempts);
}

std::string SerializeDeterministically(const type::v1::Snapshot& snapshot) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    LB_CHECK(snapshot.SerializePartialToCodedStream(&coded));
  }
  return bytes;
}

}  // namespace

EncodedSnapshot Encode(const LiveRules& rules) {
  type::v1::Snapshot snapshot;
  for (const LiveRule& rule : rules) AddRule(rule, snapshot);
  EncodedSnapshot out;
  out.bytes = SerializeDeterministically(snapshot);
  out.digest = Sha256(out.bytes);
  return out;
}

}  // namespace lb::controlplane
