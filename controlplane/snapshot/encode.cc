#include "controlplane/snapshot/encode.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <set>
#include <string>

#include "base/check.h"
#include "base/sha256.h"
#include "controlplane/snapshot/encode_balance.h"
#include "controlplane/snapshot/encode_tls.h"
#include "controlplane/snapshot/features.h"
#include "controlplane/snapshot/overrides.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::controlplane {
namespace {

constexpr uint32_t kWholePercent = 100;
// Weights above it are fine enough as they are, and would pass what a worker takes.
constexpr uint32_t kMaxScaledWeight = 10'000;

// By how much the weights of a rule are to be multiplied so that a part of a small one is no whole
// number for lack of a better: half of 1 beside another 1 is 50 beside 100.
uint32_t WeightScale(const LiveRule& rule) {
  uint32_t scale = 1;
  for (const LiveBackend& backend : rule.backends) {
    if (std::max(backend.weight, backend.configured_weight) > kMaxScaledWeight) return 1;
    if (backend.weight > 0 && backend.weight_percent != kWholePercent) scale = kWholePercent;
  }
  return scale;
}

uint32_t ScaledWeight(const LiveBackend& backend, uint32_t scale) {
  if (scale == 1 || backend.weight == 0 || backend.weight_percent == kWholePercent)
    return backend.weight * scale;
  const uint64_t part = uint64_t{backend.configured_weight} * backend.weight_percent;
  return static_cast<uint32_t>(std::clamp<uint64_t>(part, 1, Overrides::kMaxWeight));
}

void SetBackend(const LiveBackend& backend, uint32_t scale, bool tells_drain,
                type::v1::Backend& to) {
  to.set_name(backend.name);
  to.set_address(backend.address.ToString());
  to.set_weight(ScaledWeight(backend, scale));
  to.set_max_connections(backend.max_connections);
  to.set_backup(backend.backup);
  to.set_draining(tells_drain && backend.admin_state == type::v1::ADMIN_STATE_DRAIN);
  to.set_sni_route(backend.sni_route);
}

bool UsesProxyProtocol(const LiveRule& rule) {
  return rule.proxy_protocol.accept || rule.proxy_protocol.send != ProxyVersion::kNone;
}

type::v1::ProxyProtocol::Version VersionOf(ProxyVersion version) {
  switch (version) {
    case ProxyVersion::kNone:
      return type::v1::ProxyProtocol::VERSION_UNSPECIFIED;
    case ProxyVersion::kV1:
      return type::v1::ProxyProtocol::VERSION_1;
    case ProxyVersion::kV2:
      return type::v1::ProxyProtocol::VERSION_2;
  }
  LB_CHECK(false);
}

void SetProxyProtocol(const LiveRule& rule, type::v1::ProxyProtocol& to) {
  const ProxyProtocolConfig& proxy = rule.proxy_protocol;
  to.set_send(VersionOf(proxy.send));
  if (!proxy.accept) return;
  for (const Cidr& network : proxy.from) to.add_accept_from(network.ToString());
  if (proxy.from.empty())
    for (const char* all : {"0.0.0.0/0", "::/0"}) to.add_accept_from(all);
  to.set_refuse_others(proxy.refuse_others);
  to.set_header_timeout_ms(static_cast<uint64_t>(rule.timeouts.handshake.count()));
}

type::v1::RateLimit::Enforce ToProto(RateLimitConfig::Enforce enforce) {
  switch (enforce) {
    case RateLimitConfig::Enforce::kOn:
      return type::v1::RateLimit::ENFORCE_ON;
    case RateLimitConfig::Enforce::kShadow:
      return type::v1::RateLimit::ENFORCE_SHADOW;
    case RateLimitConfig::Enforce::kOff:
      break;
  }
  return type::v1::RateLimit::ENFORCE_OFF;
}

void SetRates(const BandwidthRatesConfig& from, type::v1::BandwidthLimit::Rates& to) {
  to.set_upload_bytes_per_s(from.upload_bytes_per_s);
  to.set_download_bytes_per_s(from.download_bytes_per_s);
  if (from.upload_bytes_per_s > 0) to.set_upload_burst_bytes(from.BurstOf(from.upload_bytes_per_s));
  if (from.download_bytes_per_s > 0)
    to.set_download_burst_bytes(from.BurstOf(from.download_bytes_per_s));
}

void SetBandwidthLimit(const std::optional<BandwidthLimitConfig>& limit,
                       type::v1::BandwidthLimit& to) {
  if (!limit) return;
  SetRates(limit->client, *to.mutable_client());
  SetRates(limit->backend, *to.mutable_backend());
  to.set_shared(limit->shared);
}

void SetRateLimit(const std::optional<RateLimitConfig>& limit, type::v1::RateLimit& to) {
  const RateLimitConfig off{.enforce = RateLimitConfig::Enforce::kOff};
  const RateLimitConfig& from = limit ? *limit : off;
  to.set_rate_per_s(from.requests_per_second);
  to.set_burst(from.Burst());
  to.set_ipv4_prefix(from.ipv4_prefix);
  to.set_ipv6_prefix(from.ipv6_prefix);
  to.set_enforce(ToProto(from.enforce));
  to.set_on_refuse(from.on_refuse == RateLimitConfig::OnRefuse::kClose
                       ? type::v1::RateLimit::ON_REFUSE_CLOSE
                       : type::v1::RateLimit::ON_REFUSE_RESET);
  to.set_max_clients(from.max_clients);
  to.set_client_cert(from.client_cert);
}

void SetOutlierDetection(const OutlierConfig& outlier, type::v1::OutlierDetection& to) {
  to.set_failures(outlier.failures);
  to.set_ejection_time_ms(static_cast<uint64_t>(outlier.ejection_time.count()));
  to.set_max_ejected_percent(outlier.max_ejected_percent);
  to.set_max_connect_time_ms(static_cast<uint64_t>(outlier.max_connect_time.count()));
}

void AddRule(const LiveRule& rule, TlsEncoder& tls, type::v1::Snapshot& out) {
  type::v1::Rule& to = *out.add_rules();
  to.set_name(rule.name);
  to.set_listen(rule.listen.ToString());
  const uint32_t scale = WeightScale(rule);
  const bool paced = rule.drain_timeout.count() > 0;
  for (const LiveBackend& backend : rule.backends) {
    type::v1::Backend& added = *to.add_backends();
    SetBackend(backend, scale, paced, added);
    // Checks have it too; connections only where they speak TLS.
    if (rule.backend_tls) added.set_server_name(backend.server_name);
  }
  tls.AddRule(rule, to);
  to.set_drain_timeout_ms(static_cast<uint64_t>(rule.drain_timeout.count()));
  to.mutable_timeouts()->set_connect_ms(static_cast<uint64_t>(rule.timeouts.connect.count()));
  to.mutable_timeouts()->set_idle_ms(static_cast<uint64_t>(rule.timeouts.idle.count()));
  to.mutable_timeouts()->set_half_close_ms(static_cast<uint64_t>(rule.timeouts.half_close.count()));
  AddBalance(rule.balance, to);
  if (rule.outlier_detection)
    SetOutlierDetection(*rule.outlier_detection, *to.mutable_outlier_detection());
  to.set_connect_attempts(rule.connect_attempts);
  to.set_max_connections(rule.max_connections);
  to.set_max_connections_per_client(rule.max_connections_per_client);
  if (rule.queue) {
    to.mutable_queue()->set_max(rule.queue->max);
    to.mutable_queue()->set_timeout_ms(static_cast<uint64_t>(rule.queue->timeout.count()));
  }
  for (const Endpoint& source : rule.source) to.add_source_addresses(source.host());
  for (const Cidr& network : rule.allow) to.add_allow(network.ToString());
  for (const Cidr& network : rule.deny) to.add_deny(network.ToString());
  if (UsesProxyProtocol(rule)) SetProxyProtocol(rule, *to.mutable_proxy_protocol());
  if (rule.own_rate_limit) SetRateLimit(rule.rate_limit, *to.mutable_rate_limit());
  if (!rule.own_rate_limit && rule.rate_limit)
    SetRateLimit(rule.rate_limit, *out.mutable_rate_limit());
  if (!rule.access_log.empty()) {
    out.set_access_log(rule.access_log);
    to.set_access_log_off(rule.access_log_off);
  }
  if (rule.own_bandwidth_limit)
    SetBandwidthLimit(rule.bandwidth_limit, *to.mutable_bandwidth_limit());
  else if (rule.bandwidth_limit)
    SetBandwidthLimit(rule.bandwidth_limit, *out.mutable_bandwidth_limit());
}

// What a worker must know to do all that the rules say; a worker that does not refuses them.
std::set<std::string> FeaturesOf(const LiveRules& rules) {
  std::set<std::string> features;
  for (const LiveRule& rule : rules) {
    if (rule.queue) features.insert(kFeatureQueue);
    if (rule.max_connections != 0) features.insert(kFeatureRuleLimit);
    if (rule.max_connections_per_client != 0) {
      features.insert(kFeatureClientLimit);
      features.insert(kFeatureRateLimit);  // Its shares.
    }
    if (!rule.source.empty()) features.insert(kFeatureSource);
    if (!rule.allow.empty() || !rule.deny.empty()) features.insert(kFeatureAccess);
    if (UsesProxyProtocol(rule)) features.insert(kFeatureProxyProtocol);
    if (NeedsBalance(rule)) features.insert(kFeatureBalance);
    if (rule.drain_timeout.count() > 0) features.insert(kFeatureDrainTimeout);
    if (rule.outlier_detection) features.insert(kFeatureOutlierDetection);
    if (rule.outlier_detection && rule.outlier_detection->max_connect_time.count() > 0)
      features.insert(kFeatureSlowConnect);
    if (rule.rate_limit) features.insert(kFeatureRateLimit);
    if (!rule.access_log.empty()) features.insert(kFeatureAccessLog);
    if (rule.bandwidth_limit) features.insert(kFeatureBandwidthLimit);
    AddTlsFeatures(rule, features);
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

EncodedSnapshot Encode(const LiveRules& rules, const TlsMaterial* material) {
  type::v1::Snapshot snapshot;
  TlsEncoder tls(material);
  for (const LiveRule& rule : rules) AddRule(rule, tls, snapshot);
  tls.AddMaterial(snapshot);
  for (const std::string& feature : FeaturesOf(rules)) snapshot.add_required_features(feature);
  EncodedSnapshot out;
  out.bytes = SerializeDeterministically(snapshot);
  out.digest = Sha256(out.bytes);
  return out;
}

}  // namespace lb::controlplane
