#include "controlplane/snapshot/encode.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <set>
#include <string>

#include "base/check.h"
#include "base/sha256.h"
#include "controlplane/snapshot/features.h"
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
  to.set_max_connections(rule.max_connections);
  if (rule.queue) {
    to.mutable_queue()->set_max(rule.queue->max);
    to.mutable_queue()->set_timeout_ms(static_cast<uint64_t>(rule.queue->timeout.count()));
  }
  for (const Endpoint& source : rule.source) to.add_source_addresses(source.host());
}

// What a worker must know to do all that the rules say; a worker that does not refuses them.
std::set<std::string> FeaturesOf(const LiveRules& rules) {
  std::set<std::string> features;
  for (const LiveRule& rule : rules) {
    if (rule.queue) features.insert(kFeatureQueue);
    if (rule.max_connections != 0) features.insert(kFeatureRuleLimit);
    if (!rule.source.empty()) features.insert(kFeatureSource);
  }
  return features;
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
  for (const std::string& feature : FeaturesOf(rules)) snapshot.add_required_features(feature);
  EncodedSnapshot out;
  out.bytes = SerializeDeterministically(snapshot);
  out.digest = Sha256(out.bytes);
  return out;
}

}  // namespace lb::controlplane
