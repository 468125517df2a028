#include "controlplane/admin/cluster_metrics.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "controlplane/membership/cluster_status.h"

namespace lb::controlplane {
namespace {

using Type = MetricFamily::Type;
using Families = std::vector<MetricFamily>;

constexpr std::array<const char*, 4> kStates = {"alive", "suspect", "failed", "left"};

double AsDouble(uint64_t value) { return static_cast<double>(value); }

void AddOne(Families& out, const char* name, const char* help, Type type, double value) {
  out.push_back({name, help, type, {{{}, value}}});
}

bool Lives(const swim::MemberStatus& member) {
  return member.state == swim::State::kAlive || member.state == swim::State::kSuspect;
}

void AddMembers(const swim::ClusterStatus& cluster, Families& out) {
  MetricFamily count{"lb_members", "Members of the cluster, by state.", Type::kGauge, {}};
  std::array<double, kStates.size()> counts{};
  std::vector<const swim::MemberStatus*> shown;
  for (const swim::MemberStatus& member : cluster.members) {
    ++counts.at(static_cast<size_t>(member.state));
    shown.push_back(&member);
  }
  for (size_t i = 0; i < kStates.size(); ++i) count.Add({{"state", kStates.at(i)}}, counts.at(i));
  std::stable_partition(shown.begin(), shown.end(),
                        [](const swim::MemberStatus* member) { return !Lives(*member); });
  if (shown.size() > kMaxMemberSeries) shown.resize(kMaxMemberSeries);
  MetricFamily up{"lb_member_up",
                  "1 if the member is alive, or suspected and not given up yet.",
                  Type::kGauge,
                  {}};
  for (const swim::MemberStatus* member : shown)
    up.Add({{"member", CutUtf8(member->name, member->name.size())}}, Lives(*member) ? 1 : 0);
  out.push_back(std::move(count));
  out.push_back(std::move(up));
}

void AddState(const swim::ClusterStatus& cluster, Families& out) {
  AddOne(out, "lb_cluster_open", "1 if there is no key, and other hosts reach the member.",
         Type::kGauge, cluster.open ? 1 : 0);
  AddOne(out, "lb_cluster_working",
         "0 while this host is no member: its address is in use, or it left by order.",
         Type::kGauge, cluster.problem.empty() && !cluster.stays_away ? 1 : 0);
  AddOne(out, "lb_cluster_keys", "Keys that open what members say.", Type::kGauge,
         AsDouble(cluster.keys.size()));
  AddOne(out, "lb_cluster_keys_ordered",
         "1 while keys that were set by order hold instead of the configuration's.", Type::kGauge,
         cluster.keys_ordered ? 1 : 0);
  AddOne(out, "lb_cluster_peers_missing", "Configured peers that are no members.", Type::kGauge,
         AsDouble(cluster.seeds_missing.size()));
  AddOne(out, "lb_cluster_awareness",
         "How much this host seems to be held up: 0 (not at all) to 7.", Type::kGauge,
         cluster.awareness);
  AddOne(out, "lb_cluster_queued_updates", "Updates that are still passed on.", Type::kGauge,
         AsDouble(cluster.queued));
}

void AddTotals(const swim::Counters& counters, Families& out) {
  const auto add = [&out](const char* name, const char* help, uint64_t value) {
    AddOne(out, name, help, Type::kCounter, AsDouble(value));
  };
  add("lb_cluster_probes_total", "Probes of members.", counters.probes);
  add("lb_cluster_probe_failures_total", "Probes without an answer: the member is suspected.",
      counters.probes_failed);
  add("lb_cluster_refutations_total", "Times this member was suspected and said that it lives.",
      counters.refutations);
  add("lb_cluster_name_conflicts_total", "Times another member used a name that is taken.",
      counters.conflicts);
  add("lb_cluster_exchanges_total", "Whole tables exchanged, or begun to be.", counters.exchanges);
  add("lb_cluster_exchange_failures_total", "Exchanges that failed.", counters.exchanges_failed);
  add("lb_cluster_members_refused_total",
      "Times a member was not taken: of another version, or one too many.", counters.refused);
  MetricFamily packets{"lb_cluster_packets_total", "Datagrams of gossip.", Type::kCounter, {}};
  packets.Add({{"direction", "in"}}, AsDouble(counters.packets_in));
  packets.Add({{"direction", "out"}}, AsDouble(counters.packets_out));
  out.push_back(std::move(packets));
}

// Each reason has a series from the start, so that a first one shows as growth.
void AddBad(const swim::ClusterStatus& cluster, Families& out) {
  MetricFamily packets{"lb_cluster_bad_packets_total",
                       "Datagrams and connections dropped, by reason.",
                       Type::kCounter,
                       {}};
  MetricFamily messages{"lb_cluster_bad_messages_total",
                        "Messages in good datagrams that were dropped, by reason.",
                        Type::kCounter,
                        {}};
  for (int i = static_cast<int>(swim::WireError::kNone) + 1; i < swim::kWireErrors; ++i) {
    const auto at = static_cast<size_t>(i);
    const char* const reason = swim::WireErrorName(static_cast<swim::WireError>(i));
    packets.Add({{"reason", reason}},
                at < cluster.bad_packets.size() ? AsDouble(cluster.bad_packets[at]) : 0);
    messages.Add({{"reason", reason}}, AsDouble(cluster.counters.bad_messages.at(at)));
  }
  out.push_back(std::move(packets));
  out.push_back(std::move(messages));
}

const char* UsageErrorName(size_t error) {
  static constexpr const char* kNames[] = {"none",           "malformed", "sealing",
                                           "unknown_sender", "bad_key",   "replay"};
  return kNames[error];
}

// Shared limits with series of their own; of more those with the first names.
constexpr size_t kMaxSlotSeries = 1'000;

// Of more than kMaxMemberSeries those that were heard least lately.
void AddHostAges(const HostBook& book, Instant now, Families& out) {
  MetricFamily ages{"lb_usage_host_age_seconds",
                    "Since a host was heard to tell of usage; -1: never.",
                    Type::kGauge,
                    {}};
  std::vector<HostBook::Row> rows = book.Rows(now);
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.heard_at < b.heard_at; });
  if (rows.size() > kMaxMemberSeries) rows.resize(kMaxMemberSeries);
  for (const HostBook::Row& row : rows) {
    const double age_s =
        row.heard_at ? std::chrono::duration<double>(now - *row.heard_at).count() : -1;
    ages.Add({{"host", CutUtf8(row.name, row.name.size())}}, age_s);
  }
  out.push_back(std::move(ages));
}

// What hosts tell each other of limits.
void AddUsage(const View& view, Families& out) {
  const HostBook* const book = view.usage.book();
  if (book == nullptr) return;
  const HostChannel::Counters& counters = view.channel.counters();
  MetricFamily hosts{"lb_usage_hosts", "Other hosts that share limits.", Type::kGauge, {}};
  hosts.Add({{"state", "expected"}}, AsDouble(book->expected(view.clock.steady)));
  hosts.Add({{"state", "heard"}}, AsDouble(book->heard(view.clock.steady)));
  out.push_back(std::move(hosts));
  AddHostAges(*book, view.clock.steady, out);
  AddOne(out, "lb_usage_side_ratio",
         "Of every limit that is shared: what the hosts that hear each other here may use.",
         Type::kGauge, book->Others(view.clock.steady).side_ratio);
  AddOne(
      out, "lb_usage_limit_ratio",
      "Of every limit that is shared: what is given out, less than the side's part while some is "
      "kept for workers without a control plane.",
      Type::kGauge, view.rates.free_ratio());
  AddOne(out, "lb_usage_clients", "Clients whose rate limit is shared out by demand.", Type::kGauge,
         AsDouble(view.rates.clients()));
  const RateLedger::LeftOut left_out = view.rates.left_out();
  AddOne(out, "lb_usage_clients_left_out",
         "Clients that other hosts should have been told of, and were not for lack of room.",
         Type::kGauge, AsDouble(left_out.clients));
  AddOne(out, "lb_usage_watermark_ratio",
         "The most that one of them is asked for, of the rate of its limit.", Type::kGauge,
         left_out.watermark_ratio);
  AddOne(out, "lb_usage_sent_total", "Datagrams about usage, to other hosts.", Type::kCounter,
         AsDouble(counters.sent));
  AddOne(out, "lb_usage_sent_bytes_total", "Their bytes.", Type::kCounter,
         AsDouble(counters.sent_bytes));
  AddOne(out, "lb_usage_received_total", "Datagrams about usage that came, bad ones too.",
         Type::kCounter, AsDouble(counters.received));
  AddOne(out, "lb_usage_clients_sent_total", "Clients that were told of in them.", Type::kCounter,
         AsDouble(view.usage.clients_sent()));
  MetricFamily refused{
      "lb_usage_refused_total", "Those that were dropped, by reason.", Type::kCounter, {}};
  for (size_t error = 1; error < counters.refused.size(); ++error)
    refused.Add({{"reason", UsageErrorName(error)}}, AsDouble(counters.refused[error]));
  out.push_back(std::move(refused));
}

// Connection limits of backends that all hosts share.
void AddSlots(const View& view, Families& out) {
  MetricFamily here{"lb_shared_slots",
                    "Connections that this host may have open to a backend, of a limit that all "
                    "hosts share.",
                    Type::kGauge,
                    {}};
  MetricFamily made{"lb_shared_slots_made",
                    "Those of all hosts together: below the limit while hosts are missing.",
                    Type::kGauge,
                    {}};
  std::vector<BackendKey> keys = view.slots.Shared();
  if (keys.size() > kMaxSlotSeries) keys.resize(kMaxSlotSeries);
  for (const BackendKey& key : keys) {
    const auto share = view.slots.Look(key, view.clock.steady);
    if (!share) continue;
    const std::vector<std::pair<std::string, std::string>> labels{{"rule", key.rule},
                                                                  {"backend", key.backend}};
    here.Add(labels, static_cast<double>(share->rights));
    made.Add(labels, static_cast<double>(share->made));
  }
  if (keys.empty()) return;
  out.push_back(std::move(here));
  out.push_back(std::move(made));
}

}  // namespace

void AddClusterMetrics(const View& view, Families& out) {
  const swim::ClusterStatus& cluster = view.cluster;
  if (!cluster.enabled) return;
  AddMembers(cluster, out);
  AddState(cluster, out);
  AddTotals(cluster.counters, out);
  AddBad(cluster, out);
  AddUsage(view, out);
  AddSlots(view, out);
}

}  // namespace lb::controlplane
