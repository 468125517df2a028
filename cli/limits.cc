#include "cli/limits.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "cli/age.h"
#include "cli/client.h"
#include "cli/limit_client.h"
#include "cli/operation.h"
#include "cli/resource.h"
#include "cli/shared_rate.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "controlplane/config/quantity.h"

namespace lb::cli {
namespace {

using Explained = api::ExplainConnectionResponse;

// "rules/web" of a rule's name; empty for none.
absl::StatusOr<std::string> RuleNamed(const std::string& rule) {
  if (rule.empty()) return std::string();
  LB_ASSIGN_OR_RETURN(const Selection selection, ParseSelection({"rules", rule}, ""));
  return selection.names[0];
}

// The limit that belongs to no rule is that of all without their own.
std::string Owner(const std::string& rule) { return rule.empty() ? "*" : Leaf(rule); }

std::string Decimal(double value) { return absl::StrFormat("%.1f", value); }

// "1.5", or "1.5 (shadow)" of a limit that refuses nobody.
Cell Refused(double count, bool shadow) {
  if (shadow) return {count > 0 ? absl::StrCat(Decimal(count), " (shadow)") : Decimal(count)};
  return {Decimal(count), count > 0 ? Tone::kWarning : Tone::kPlain};
}

std::string LimitText(uint64_t bytes_per_s) {
  return controlplane::WriteQuantity(controlplane::ValueType::kByteRate, bytes_per_s);
}

// "up 1MB/s, down 4MB/s", without a way that has no limit.
std::string BandwidthOf(const api::Limit& limit) {
  const uint64_t up = limit.max_upload_bytes_per_s();
  const uint64_t down = limit.max_download_bytes_per_s();
  return absl::StrCat(up > 0 ? absl::StrCat("up ", LimitText(up)) : "",
                      up > 0 && down > 0 ? ", " : "",
                      down > 0 ? absl::StrCat("down ", LimitText(down)) : "");
}

bool IsBandwidth(const api::Limit& limit) {
  return limit.kind() == api::Limit::KIND_CLIENT_BANDWIDTH ||
         limit.kind() == api::Limit::KIND_BACKEND_BANDWIDTH;
}

bool IsRate(const api::Limit& limit) {
  return limit.kind() == api::Limit::KIND_RATE || limit.kind() == api::Limit::KIND_CLIENT_CERT_RATE;
}

std::string Setting(const api::Limit& limit) {
  if (IsBandwidth(limit))
    return absl::StrCat(BandwidthOf(limit), limit.has_shared_bandwidth() ? " (cluster)" : "");
  if (limit.has_shared())
    return absl::StrCat(limit.max_connections(), " (cluster, ", limit.shared().slots(), " here)");
  if (!IsRate(limit)) return absl::StrCat(limit.max_connections());
  const char* enforce = limit.enforce() == api::Limit::ENFORCE_SHADOW ? ", shadow"
                        : limit.enforce() == api::Limit::ENFORCE_OFF  ? ", off"
                                                                      : "";
  return absl::StrCat(limit.rate_per_s(), "/s, burst ", limit.burst(), enforce);
}

const char* KindOf(const api::Limit& limit) {
  if (limit.kind() == api::Limit::KIND_RATE) return "rate_limit";
  if (limit.kind() == api::Limit::KIND_CLIENT_CERT_RATE) return "client_cert_rate";
  if (IsBandwidth(limit)) return limit.backend().empty() ? "client_bandwidth" : "backend_bandwidth";
  if (limit.kind() == api::Limit::KIND_CLIENT_CONNECTIONS) return "max_connections_per_client";
  return limit.kind() == api::Limit::KIND_RULE_CONNECTIONS ? "max_connections"
                                                           : "backend_connections";
}

std::string UpDown(double upload_bytes_per_s, double download_bytes_per_s) {
  return absl::StrCat("up ", controlplane::WriteMeasuredRate(upload_bytes_per_s), ", down ",
                      controlplane::WriteMeasuredRate(download_bytes_per_s));
}

// What is used of it now; empty where that is different for each client.
std::string InUse(const api::Limit& limit) {
  if (limit.kind() == api::Limit::KIND_BACKEND_BANDWIDTH) {
    const api::SharedBandwidth& others = limit.shared_bandwidth();
    const std::string here = UpDown(limit.upload_bytes_per_s(), limit.download_bytes_per_s());
    if (others.hosts() == 0) return here;
    return absl::StrCat(here, " (other hosts ",
                        UpDown(others.upload_bytes_per_s(), others.download_bytes_per_s()), ")");
  }
  const bool counts = limit.kind() == api::Limit::KIND_RULE_CONNECTIONS ||
                      limit.kind() == api::Limit::KIND_BACKEND_CONNECTIONS;
  return counts ? absl::StrCat(limit.connections()) : "";
}

// Clients that the limit slows down, or that may be above it.
std::string BusyClients(const api::Limit& limit) {
  if (IsRate(limit)) return absl::StrCat(limit.busy_clients());
  if (limit.kind() == api::Limit::KIND_CLIENT_BANDWIDTH)
    return absl::StrCat(limit.throttled_clients(), "/", limit.clients());
  return "";
}

Row RowOf(const api::Limit& limit) {
  const bool rate = limit.kind() == api::Limit::KIND_RATE;
  const uint64_t refused = limit.refused_total();
  const uint64_t would = limit.would_refuse_total();
  return {
      {KindOf(limit)},
      {Owner(limit.rule())},
      {Leaf(limit.backend())},
      {Setting(limit)},
      {InUse(limit)},
      {BusyClients(limit)},
      {IsBandwidth(limit) ? "" : absl::StrCat(refused),
       refused > 0 ? Tone::kWarning : Tone::kPlain},
      {rate && (would > 0 || limit.enforce() == api::Limit::ENFORCE_SHADOW) ? absl::StrCat(would)
                                                                            : ""}};
}

// `shared`: some client is under a limit that other hosts share.
Row RowOf(const api::ClientUse& use, bool shared) {
  double tokens = 0;
  double rate_per_s = 0;
  for (const api::Bucket& bucket : use.buckets()) {
    tokens += bucket.tokens();
    rate_per_s += bucket.rate_per_s();
  }
  const bool rated = use.buckets_size() > 0;
  const Tone tone = use.throttled() ? Tone::kWarning : Tone::kPlain;
  Row row{{use.client()},
          {Owner(use.rule())},
          {rated ? Decimal(use.connects_per_s()) : ""},
          rated ? Refused(use.refused_per_s(), use.shadow()) : Cell{""},
          {rated ? Decimal(tokens) : ""},
          {rated ? Decimal(rate_per_s) : ""},
          {use.connections() > 0 ? absl::StrCat(use.connections()) : ""},
          {use.connections() > 0 ? controlplane::WriteMeasuredRate(use.upload_bytes_per_s()) : "",
           tone},
          {use.connections() > 0 ? controlplane::WriteMeasuredRate(use.download_bytes_per_s()) : "",
           tone}};
  if (!shared) return row;
  const api::SharedRate& rate = use.shared_rate();
  const bool has = use.has_shared_rate();
  const bool silent = rate.hosts_heard() < rate.hosts_expected();
  row.push_back({has ? Decimal(rate.cluster_demand_per_s()) : ""});
  row.push_back({has ? absl::StrFormat("%.1f%%", 100 * rate.share_ratio()) : ""});
  row.push_back({has ? absl::StrCat(rate.hosts_heard(), "/", rate.hosts_expected()) : "",
                 silent ? Tone::kWarning : Tone::kPlain});
  row.push_back(
      {has && rate.has_age() ? SharedAge(rate.age()) : "", silent ? Tone::kWarning : Tone::kPlain});
  return row;
}

Table ClientTable(const api::ListClientsResponse& response) {
  const bool shared = std::any_of(response.clients().begin(), response.clients().end(),
                                  [](const auto& use) { return use.has_shared_rate(); });
  std::vector<Column> columns{{"CLIENT"},          {"LIMIT OF"},     {"CONNECTS/S", true},
                              {"REFUSED/S", true}, {"TOKENS", true}, {"RATE/S", true},
                              {"CONNS", true},     {"UP", true},     {"DOWN", true}};
  if (shared)
    columns.insert(columns.end(),
                   {{"ALL HOSTS/S", true}, {"SHARE", true}, {"HEARD", true}, {"AGE", true}});
  Table table(std::move(columns));
  for (const api::ClientUse& use : response.clients()) table.Add(RowOf(use, shared));
  return table;
}

template <typename Response>
void Warn(const Globals& globals, const Response& response) {
  if (globals.quiet) return;
  for (const std::string& worker : response.workers_missing())
    WriteErr(absl::StrCat("warning: ", Escape(worker), " did not answer; what it knows misses\n"));
  if (response.nobody_answered() && response.workers_missing().empty())
    WriteErr("warning: no worker is connected; what workers know misses\n");
}

std::string Render(const Globals& globals, const Table& table) {
  return table.Render({globals.headers, globals.color, StdoutSize().columns});
}

Cell Word(Explained::Verdict verdict) {
  if (verdict == Explained::VERDICT_PASSED) return {"passed", Tone::kGood};
  if (verdict == Explained::VERDICT_REFUSED) return {"REFUSED", Tone::kBad};
  if (verdict == Explained::VERDICT_WAITS) return {"WAITS", Tone::kWarning};
  return {"depends", Tone::kWarning};
}

std::string ShareOf(const Explained::Candidate& candidate) {
  if (!candidate.why_out().empty()) return "-";
  return absl::StrFormat("%.1f%%", 100 * candidate.share_ratio());
}

// Checks, buckets and backends, each as a table of its own.
std::string Describe(const Globals& globals, const Explained& explained) {
  Table checks({{"CHECK"}, {"VERDICT"}, {"WHY"}});
  for (const Explained::Check& check : explained.checks())
    checks.Add({{check.name()}, Word(check.verdict()), {check.why()}});
  std::string text = Render(globals, checks);
  if (explained.buckets_size() > 0) {
    Table buckets({{"BUCKET"}, {"TOKENS", true}, {"BURST", true}, {"RATE/S", true}, {"BUDGET"}});
    for (const api::Bucket& bucket : explained.buckets())
      buckets.Add({{Leaf(bucket.worker())},
                   {Decimal(bucket.tokens())},
                   {Decimal(bucket.burst())},
                   {Decimal(bucket.rate_per_s())},
                   {bucket.has_budget() ? "its own" : "everybody's"}});
    absl::StrAppend(&text, "\n", Render(globals, buckets));
  }
  if (explained.has_shared_rate())
    absl::StrAppend(&text, "\n", DescribeShared(globals, explained.shared_rate()));
  Table backends({{"BACKEND"}, {"SHARE", true}, {"CONNS", true}, {"NOTE"}});
  for (const Explained::Candidate& candidate : explained.candidates())
    backends.Add({{Leaf(candidate.backend())},
                  {ShareOf(candidate)},
                  {absl::StrCat(candidate.connections())},
                  {candidate.why_out().empty() ? candidate.why_in()
                                               : absl::StrCat("not used: ", candidate.why_out())}});
  absl::StrAppend(&text, "\n", Render(globals, backends));
  if (!explained.backend().empty())
    absl::StrAppend(&text, "\nIts hash names ", Escape(Leaf(explained.backend())), ".\n");
  return text;
}

}  // namespace

absl::StatusOr<ExitCode> RunGetLimits(const Globals& globals, const std::string& rule) {
  api::ListLimitsRequest request;
  LB_ASSIGN_OR_RETURN(*request.mutable_rule(), RuleNamed(rule));
  LB_ASSIGN_OR_RETURN(auto client, LimitClient::Connect(globals));
  LB_ASSIGN_OR_RETURN(const api::ListLimitsResponse response, client->ListLimits(request));
  if (globals.output == Output::kJson || globals.output == Output::kYaml) {
    PrintList(globals, "LimitList", "limits", response);
  } else {
    Table table({{"LIMIT"},
                 {"RULE"},
                 {"BACKEND"},
                 {"SETTING"},
                 {"IN USE", true},
                 {"BUSY CLIENTS", true},
                 {"REFUSED", true},
                 {"WOULD REFUSE", true}});
    for (const api::Limit& limit : response.limits()) table.Add(RowOf(limit));
    WriteOut(Render(globals, table));
  }
  Warn(globals, response);
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> RunGetClients(const Globals& globals, const std::string& rule, int top,
                                       const std::string& sort_by) {
  api::ListClientsRequest request;
  if (sort_by == "bytes")
    request.set_order(api::ListClientsRequest::ORDER_BYTES);
  else if (!sort_by.empty() && sort_by != "connects")
    return UsageError(
        absl::StrCat("--sort-by: '", Escape(sort_by), "' is neither connects nor bytes"));
  LB_ASSIGN_OR_RETURN(*request.mutable_rule(), RuleNamed(rule));
  request.set_limit(top);
  LB_ASSIGN_OR_RETURN(auto client, LimitClient::Connect(globals));
  LB_ASSIGN_OR_RETURN(const api::ListClientsResponse response, client->ListClients(request));
  if (globals.output == Output::kJson || globals.output == Output::kYaml) {
    PrintList(globals, "ClientList", "clients", response);
  } else {
    WriteOut(Render(globals, ClientTable(response)));
  }
  Warn(globals, response);
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> RunExplain(const Globals& globals, const ExplainOptions& options) {
  if (options.rule.empty() || options.client.empty())
    return UsageError("explain needs a rule and a client",
                      "lbctl explain --rule RULE --client ADDRESS [--via PROXY] [--sni NAME]");
  api::ExplainConnectionRequest request;
  LB_ASSIGN_OR_RETURN(*request.mutable_rule(), RuleNamed(options.rule));
  request.set_client(options.client);
  request.set_via(options.via);
  request.set_server_name(options.sni);
  LB_ASSIGN_OR_RETURN(auto client, LimitClient::Connect(globals));
  LB_ASSIGN_OR_RETURN(const Explained explained, client->Explain(request));
  std::string words = Describe(globals, explained);
  if (!words.empty()) words.pop_back();  // The end of the last line comes with the printing.
  PrintMessage(globals, explained, explained.backend(), words);
  Warn(globals, explained);
  const bool refused =
      std::any_of(explained.checks().begin(), explained.checks().end(),
                  [](const auto& check) { return check.verdict() == Explained::VERDICT_REFUSED; });
  return refused ? ExitCode::kFindings : ExitCode::kDone;
}

}  // namespace lb::cli
