// What the next connection of a client would meet, check by check, in the order of the data path
// (dataplane/forward/listener.cc).
#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "controlplane/admin/explain_backends.h"
#include "controlplane/admin/explain_rate.h"
#include "controlplane/admin/explain_tls.h"
#include "controlplane/admin/limit_answers.h"
#include "controlplane/admin/rule_answers.h"
#include "controlplane/admin/shared_rate.h"
#include "controlplane/config/quantity.h"

namespace lb::controlplane {
namespace {

using admin::v1::ExplainConnectionResponse;
using worker::v1::ClientReport;

using explain::Add;
using explain::kDepends;
using explain::kNobody;
using explain::kPassed;
using explain::kRefused;

// The longest of the networks that holds the client, or nullptr.
const Cidr* Longest(const std::vector<Cidr>& networks, const SocketAddress& client) {
  const Cidr* longest = nullptr;
  for (const Cidr& network : networks)
    if (network.Contains(client) && (longest == nullptr || network.bits() > longest->bits()))
      longest = &network;
  return longest;
}

// Whether a connection from this address must begin with a PROXY header, which is believed.
bool SendsHeader(const ProxyProtocolConfig& proxy, const SocketAddress& from) {
  return proxy.accept && (proxy.from.empty() || Longest(proxy.from, from) != nullptr);
}

// `via`: the proxy that names the client; nullptr: it connects itself.
void CheckProxy(const LiveRule& rule, const SocketAddress& client, const SocketAddress* via,
                ExplainConnectionResponse& out) {
  const ProxyProtocolConfig& proxy = rule.proxy_protocol;
  if (!proxy.accept) return;
  constexpr char kName[] = "proxy_protocol";
  const SocketAddress& from = via == nullptr ? client : *via;
  if (SendsHeader(proxy, from)) {
    const std::string where =
        proxy.from.empty() ? "" : absl::StrCat("in ", Longest(proxy.from, from)->ToString(), ": ");
    if (via != nullptr)
      return Add(kName, kPassed, absl::StrCat(where, "the proxy's header names the client"), out);
    return Add(kName, kDepends,
               absl::StrCat(where,
                            "a PROXY header must come first; what follows is of a client that it "
                            "names, and so the one asked about"),
               out);
  }
  if (proxy.refuse_others)
    return Add(
        kName, kRefused,
        absl::StrCat("not in accept.from, and others are refused",
                     via == nullptr ? "; one behind a proxy: name the proxy with --via" : ""),
        out);
  Add(kName, kPassed,
      via == nullptr ? "not in accept.from: taken as it is"
                     : "not in accept.from: the proxy is the client, and what it sends is data",
      out);
}

void CheckAccess(const LiveRule& rule, const SocketAddress& client,
                 ExplainConnectionResponse& out) {
  if (rule.allow.empty() && rule.deny.empty()) return;
  const Cidr* allow = Longest(rule.allow, client);
  const Cidr* deny = Longest(rule.deny, client);
  if (deny != nullptr && (allow == nullptr || deny->bits() > allow->bits()))
    return Add("deny", kRefused, absl::StrCat(deny->ToString(), " decides"), out);
  if (allow != nullptr)
    return Add("allow", kPassed, absl::StrCat(allow->ToString(), " decides"), out);
  if (!rule.allow.empty()) return Add("allow", kRefused, "no network of the list holds it", out);
  Add("deny", kPassed, "no network of the list holds it", out);
}

void CheckClientLimit(const LiveRule& rule, const ClientReports& reports,
                      ExplainConnectionResponse& out) {
  if (rule.max_connections_per_client == 0) return;
  uint64_t open = 0;
  int asked = 0;
  int with_room = 0;
  for (const auto& [worker, report] : reports) {
    if (!report.has_connections()) continue;
    ++asked;
    open += report.connections().open();
    if (report.connections().open() < report.connections().slots()) ++with_room;
  }
  constexpr char kName[] = "max_connections_per_client";
  if (asked == 0) return Add(kName, kDepends, "no worker counts them yet", out);
  std::string why = absl::StrCat(open, " of ", rule.max_connections_per_client, " open");
  if (asked > 1)
    absl::StrAppend(&why, " in ", asked, " workers, ", with_room, " of them with room");
  const auto some = with_room > 0 ? kDepends : kRefused;
  Add(kName, with_room == asked ? kPassed : some, std::move(why), out);
}

void CheckRuleLimit(const LiveRule& rule, const View& view, ExplainConnectionResponse& out) {
  if (rule.max_connections == 0) return;
  const uint64_t open = view.totals.OfRule(rule.name).connections;
  Add("max_connections", open < rule.max_connections ? kPassed : kRefused,
      absl::StrCat(open, " of ", rule.max_connections, " in use"), out);
}

// "; 2 other hosts: upload 1.2MB/s, download 0B/s, 3 connections". Empty where none shares the
// limit.
std::string BandwidthOfOthers(const LiveRule& rule, const Endpoint& client, const View& view,
                              ExplainConnectionResponse& out) {
  // The clients of these limits are addresses, and networks of 64 bits.
  const std::optional<uint64_t> prefix = ClientPrefixOf(client.host(), RateLimitConfig{});
  if (!prefix) return "";
  auto shared = SharedBandwidthOf(rule, *prefix, "", view);
  if (!shared) return "";
  std::string text = "; no other host says that it moves any";
  if (shared->hosts() > 0)
    text =
        absl::StrCat("; ", shared->hosts(), " other host", shared->hosts() == 1 ? "" : "s",
                     ": upload ", WriteMeasuredRate(shared->upload_bytes_per_s()), ", download ",
                     WriteMeasuredRate(shared->download_bytes_per_s()), ", ", shared->connections(),
                     shared->connections() == 1 ? " connection" : " connections");
  *out.mutable_shared_bandwidth() = *std::move(shared);
  return text;
}

// A limit of bandwidth refuses nobody; it is told how fast the client's connections are.
void CheckBandwidth(const LiveRule& rule, const Endpoint& client, const View& view,
                    const ClientReports& reports, ExplainConnectionResponse& out) {
  if (!rule.bandwidth_limit) return;
  const BandwidthRatesConfig& most = rule.bandwidth_limit->client;
  if (most.upload_bytes_per_s == 0 && most.download_bytes_per_s == 0) return;
  double upload = 0;
  double download = 0;
  uint64_t connections = 0;
  for (const auto& [worker, report] : reports) {
    for (const ClientReport::Bandwidth& limit : report.bandwidths()) {
      if (!limit.has_asked()) continue;
      upload += limit.asked().upload_bytes_per_s();
      download += limit.asked().download_bytes_per_s();
      connections += limit.asked().connections();
    }
  }
  const auto way = [](const char* name, double now, uint64_t limit) {
    return absl::StrCat(name, " ", WriteMeasuredRate(now),
                        limit == 0 ? std::string(", no limit")
                                   : " of " + WriteQuantity(ValueType::kByteRate, limit));
  };
  Add("bandwidth_limit", kPassed,
      absl::StrCat(way("upload", upload, most.upload_bytes_per_s), ", ",
                   way("download", download, most.download_bytes_per_s), ", ", connections,
                   connections == 1 ? " connection" : " connections",
                   BandwidthOfOthers(rule, client, view, out)),
      out);
}

// The backend that every worker names, or nothing.
std::string HashedTo(const LiveRule& rule, const ClientReports& reports) {
  std::optional<std::string> same;
  for (const auto& [worker, report] : reports) {
    if (same && *same != report.hashed_to()) return "";
    same = report.hashed_to();
  }
  return !same || same->empty() ? "" : BackendName(rule.name, *same);
}

}  // namespace

const Endpoint& ClientMet(const LiveRule& rule, const Endpoint& client,
                          const std::optional<Endpoint>& via) {
  if (!via || SendsHeader(rule.proxy_protocol, via->ToSocketAddress())) return client;
  return *via;
}

ExplainConnectionResponse DescribeConnection(const LiveRule& rule, const Endpoint& client,
                                             const std::optional<Endpoint>& via,
                                             const std::string& server_name, const View& view,
                                             const ClientReports& reports) {
  ExplainConnectionResponse out;
  const SocketAddress address = client.ToSocketAddress();
  std::optional<SocketAddress> proxy;
  if (via) proxy = via->ToSocketAddress();
  CheckProxy(rule, address, proxy ? &*proxy : nullptr, out);
  CheckAccess(rule, address, out);
  explain::CheckRate(rule, client, view, reports, out);
  CheckClientLimit(rule, reports, out);
  CheckRuleLimit(rule, view, out);
  const uint32_t route = explain::CheckTls(rule, server_name, view, out);
  CheckBandwidth(rule, client, view, reports, out);
  explain::CheckOutliers(rule, view, reports, out);
  explain::CheckPanic(rule, reports, out);
  out.set_balance(ToString(rule.balance.algorithm));
  explain::AddBackends(rule, route, view, reports, out);
  explain::CheckBackendTls(rule, route, server_name, out);
  out.set_backend(HashedTo(rule, reports));
  return out;
}

}  // namespace lb::controlplane
