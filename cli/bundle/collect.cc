#include "cli/bundle/collect.h"

#include <boost/json.hpp>
#include <chrono>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/version.h"
#include "cli/bundle/http_get.h"
#include "cli/check/checks.h"
#include "cli/check/gather.h"
#include "cli/check/proc_facts.h"
#include "cli/client.h"
#include "cli/config_client.h"
#include "cli/inspect_client.h"
#include "cli/json.h"
#include "cli/views.h"

namespace lb::cli {
namespace {

constexpr char kFolder[] = "lb-debug/";
constexpr char kControlPlaneHttp[] = "127.0.0.1:9903";

int64_t ToSeconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::string MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

template <typename T>
absl::StatusOr<std::string> ListJson(const char* kind, const absl::StatusOr<std::vector<T>>& list) {
  if (!list.ok()) return list.status();
  boost::json::array items;
  for (const T& one : *list) items.push_back(ToJson(one));
  return ToPrettyJson(boost::json::object{{"kind", kind}, {"items", std::move(items)}});
}

template <typename T>
absl::StatusOr<std::string> OneJson(const absl::StatusOr<T>& one) {
  if (!one.ok()) return one.status();
  return ToPrettyJson(ToJson(*one));
}

// Findings of the file may quote what stands there.
absl::StatusOr<api::Status> WithoutQuotes(absl::StatusOr<api::Status> status) {
  if (status.ok())
    for (auto& problem : *status->mutable_file()->mutable_problems()) {
      problem.clear_message();
      problem.clear_hint();
    }
  return status;
}

absl::StatusOr<std::string> VersionsJson(const absl::StatusOr<api::Status>& status,
                                         const absl::StatusOr<std::vector<api::Worker>>& workers) {
  boost::json::object versions = {{"kind", "Version"}, {"client", {{"version", kVersion}}}};
  if (status.ok()) versions["controlPlane"] = {{"version", status->control_plane().version()}};
  boost::json::array all;
  if (workers.ok())
    for (const api::Worker& worker : *workers)
      all.push_back({{"name", worker.name()}, {"version", worker.process().version()}});
  versions["workers"] = std::move(all);
  return ToPrettyJson(versions);
}

// A name of a process as a file's: no '/' and not too long.
std::string FileName(const std::string& name) {
  std::string safe = name.substr(0, 48);
  for (char& c : safe)
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') c = '_';
  return safe;
}

// Where /metrics is served, by name of the file.
std::map<std::string, std::string> MetricsAddresses(const std::vector<std::string>& more) {
  std::map<std::string, std::string> addresses;
  for (const ProcessFacts& process : ReadProcessFacts("")) {
    const bool worker = process.program == "lb-worker";
    const std::string usual = worker ? absl::StrCat("unix:/run/lb/worker-", process.id, ".http")
                                     : std::string(kControlPlaneHttp);
    const std::string name = worker ? FileName(process.id) : "controlplane";
    addresses[absl::StrCat(name, "-", process.pid)] = process.http.empty() ? usual : process.http;
  }
  if (addresses.empty() && more.empty()) addresses["controlplane"] = kControlPlaneHttp;
  for (const std::string& address : more) addresses["at-" + FileName(address)] = address;
  return addresses;
}

absl::StatusOr<std::string> GetMetrics(const std::string& address,
                                       std::chrono::milliseconds timeout) {
  const absl::StatusOr<Endpoint> at = Endpoint::Parse(address);
  if (!at.ok()) return at.status();
  if (!at->IsResolved())
    return absl::InvalidArgumentError(absl::StrCat(address, " needs an IP address or unix:PATH"));
  return HttpGet(*at, "/metrics", timeout);
}

}  // namespace

Collector::Collector(const Globals& globals, WallTime now)
    : globals_(globals), now_(now), archive_(ToSeconds(now)) {}

template <typename C, typename... How>
absl::StatusOr<std::unique_ptr<C>> Collector::Connect(const How&... how) {
  if (!server_error_.ok()) return server_error_;
  auto client = C::Connect(how...);
  server_error_ = client.status();
  return client;
}

template <typename C, typename Call>
auto Collector::Ask(const absl::StatusOr<std::unique_ptr<C>>& client, Call call)
    -> decltype(call(**client)) {
  if (!server_error_.ok()) return server_error_;
  auto answer = call(**client);
  if (absl::IsDeadlineExceeded(answer.status()) || absl::IsUnavailable(answer.status()))
    server_error_ = answer.status();
  return answer;
}

void Collector::Take(const std::string& part, const absl::StatusOr<std::string>& content) {
  std::string reason;
  if (!content.ok()) {
    reason = MessageOf(content.status());
  } else if (content->size() > kMaxPartBytes) {
    reason = absl::StrCat("has ", content->size(), " bytes, more than ", kMaxPartBytes);
  } else if (bytes_ + content->size() > kMaxBytes) {
    reason = absl::StrCat("the bundle has ", kMaxBytes, " bytes already");
  }
  if (!reason.empty()) {
    left_out_.push_back({{"part", part}, {"reason", reason}});
    missing_.push_back(absl::StrCat(part, ": ", reason));
    return;
  }
  bytes_ += content->size();
  archive_.Add(kFolder + part, *content);
  parts_.push_back({{"part", part}, {"bytes", content->size()}});
}

void Collector::TakeState() {
  const auto client = Connect<AdminClient>(
      AdminClient::Options{globals_.endpoints, globals_.timeout, globals_.verbose});
  const auto status = WithoutQuotes(Ask(client, [](AdminClient& c) { return c.GetStatus(); }));
  const auto workers = Ask(client, [](AdminClient& c) { return c.ListWorkers(); });
  const auto rules = Ask(client, [](AdminClient& c) { return c.ListRules(); });
  const auto backends = Ask(client, [](AdminClient& c) { return c.ListBackends("rules/-"); });
  Take("status.json", OneJson(status));
  Take("workers.json", ListJson("WorkerList", workers));
  Take("rules.json", ListJson("RuleList", rules));
  Take("backends.json", ListJson("BackendList", backends));
  Take("certificates.json", ListJson("CertificateList", Ask(client, [](AdminClient& c) {
                                       return c.ListCertificates();
                                     })));
  Take("members.json",
       ListJson("MemberList", Ask(client, [](AdminClient& c) { return c.ListMembers(); })));
  Take("log-levels.json", OneJson(Ask(client, [](AdminClient& c) { return c.GetLogLevels(); })));
  Take("version.json", VersionsJson(status, workers));
}

void Collector::TakeConfigs() {
  const auto client = Connect<ConfigClient>(globals_);
  const auto running = Ask(client, [](ConfigClient& c) { return c.Get("configs/-"); });
  Take("config.yaml",
       running.ok() ? absl::StatusOr<std::string>(running->content()) : running.status());
  Take("configs.json",
       ListJson("ConfigList", Ask(client, [](ConfigClient& c) { return c.List(); })));
  Take("rollout.json", OneJson(Ask(client, [](ConfigClient& c) { return c.Rollout(); })));
}

void Collector::TakeHistory() {
  const auto client = Connect<InspectClient>(globals_);
  const auto events = Ask(client, [](InspectClient& c) { return c.ListEvents(); });
  const auto operations = Ask(client, [](InspectClient& c) { return c.ListOperations(); });
  Take("events.json", ListJson("EventList", events));
  Take("operations.json", ListJson("OperationList", operations));
  for (const auto& [part, method] : {std::pair("channelz/servers.json", "GetServers"),
                                     std::pair("channelz/top-channels.json", "GetTopChannels")})
    Take(part, Ask(client, [called = method](InspectClient& c) { return c.Channelz(called); }));
}

void Collector::TakeCheck() {
  GatherOptions options;
  options.quote_file = false;
  Report report;
  RunChecks(GatherFacts(globals_, options, now_), report);
  Take("check.txt", RenderReport(report, {}));
  Take("check.json", ToPrettyJson(ReportJson(report, report.errors() == 0)));
}

void Collector::TakeMetrics(const std::string& folder, const std::vector<std::string>& more) {
  size_t taken = 0;
  for (const auto& [name, address] : MetricsAddresses(more)) {
    if (++taken > kMaxMetrics) {
      Take(absl::StrCat(folder, "..."),
           absl::ResourceExhaustedError(absl::StrCat("more than ", kMaxMetrics, " programs")));
      return;
    }
    Take(absl::StrCat(folder, name, ".prom"), GetMetrics(address, globals_.timeout));
  }
}

void Collector::TakeBegin(const std::vector<std::string>& metrics) {
  const auto client = Connect<AdminClient>(
      AdminClient::Options{globals_.endpoints, globals_.timeout, globals_.verbose});
  Take("begin/status.json",
       OneJson(WithoutQuotes(Ask(client, [](AdminClient& c) { return c.GetStatus(); }))));
  TakeMetrics("begin/metrics/", metrics);
}

void Collector::TakeAll(const std::vector<std::string>& metrics) {
  TakeState();
  TakeConfigs();
  TakeHistory();
  TakeCheck();
  TakeMetrics("metrics/", metrics);
}

std::string Collector::Finish() {
  boost::json::object manifest = {{"kind", "DebugBundle"},
                                  {"lbctlVersion", kVersion},
                                  {"createTimeSeconds", ToSeconds(now_)},
                                  {"endpoints", absl::StrJoin(globals_.endpoints, " ")},
                                  {"parts", parts_},
                                  {"missing", left_out_}};
  archive_.Add(absl::StrCat(kFolder, "manifest.json"), ToPrettyJson(manifest));
  return archive_.Tar();
}

}  // namespace lb::cli
