// Goal: each code is found when what it is about is so, and only then. Method: good facts give no
// finding at all; each test spoils one fact and expects exactly one code.

#include "cli/check/checks.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <set>

#include "cli/exit_code.h"

namespace lb::cli {
namespace {

using lb::admin::v1::Worker;

constexpr int64_t kNow = 1'800'000'000;
constexpr int64_t kDay = 86'400;

KernelFacts GoodKernel() {
  KernelFacts kernel;
  kernel.somaxconn = 4096;
  kernel.ephemeral_ports = PortRange{32768, 60999};
  kernel.unprivileged_port_start = 1024;
  kernel.files_open = 1000;
  kernel.files_max = 1'000'000;
  kernel.nr_open = 1'048'576;
  kernel.tcp_pages = 10;
  kernel.tcp_pressure_pages = 1000;
  kernel.tcp_high_pages = 2000;
  kernel.conntrack_count = 10;
  kernel.conntrack_max = 1000;
  kernel.tcp_migrate_requests = 1;
  kernel.reuse_port_error = 0;
  kernel.splice_error = 0;
  return kernel;
}

Worker GoodWorker(const std::string& id, uint32_t pid) {
  Worker worker;
  worker.set_name("workers/" + id);
  worker.mutable_process()->set_id(id);
  worker.mutable_process()->set_pid(pid);
  worker.mutable_process()->set_version("1.0.0");
  worker.set_sync(Worker::SYNC_SYNCED);
  worker.mutable_last_seen_time()->set_seconds(kNow);
  return worker;
}

ServerFacts GoodServer() {
  ServerFacts server;
  server.status.mutable_control_plane()->set_version("1.0.0");
  server.status.mutable_running()->set_revision(5);
  server.status.set_config_revision(5);
  server.status.mutable_file()->set_good(true);
  server.status.mutable_file()->set_path("/etc/lb/lb.yaml");
  admin::v1::Rule& rule = server.rules.emplace_back();
  rule.set_name("rules/web");
  rule.set_listen("0.0.0.0:8080");
  rule.set_backends_total(1);
  rule.set_backends_up(1);
  admin::v1::Backend& backend = server.backends.emplace_back();
  backend.set_name("rules/web/backends/web-1");
  backend.set_address("10.0.0.1:80");
  backend.set_health(lb::type::v1::HEALTH_STATE_HEALTHY);
  server.workers = {GoodWorker("worker-1", 100), GoodWorker("worker-2", 101)};
  server.running_etag = "\"e\"";
  admin::v1::Certificate& certificate = server.rule_certificates.emplace().emplace_back();
  certificate.set_file("/etc/lb/web.pem");
  certificate.add_rules("rules/web");
  certificate.set_state(admin::v1::Certificate::STATE_VALID);
  certificate.mutable_expire_time()->set_seconds(kNow + 60 * kDay);
  return server;
}

CertificateFacts GoodCertificate() {
  CertificateFacts one;
  one.owner = "lbctl";
  one.paths = {"ca.crt", "me.crt", "me.key"};
  one.not_before_s = kNow - 300 * kDay;
  one.not_after_s = kNow + 100 * kDay;
  one.ca_not_after_s = kNow + 1000 * kDay;
  one.names = {"URI:spiffe://lb/operator/me"};
  return one;
}

Facts GoodFacts() {
  Facts facts;
  facts.now_s = kNow;
  facts.lbctl_version = "1.0.0";
  facts.kernel = GoodKernel();
  for (const int64_t pid : {100, 101})
    facts.processes.push_back({.program = "lb-worker",
                               .pid = pid,
                               .descriptors_limit = 1'048'576,
                               .descriptors_open = 50,
                               .listening = {*Endpoint::Parse("0.0.0.0:8080")}});
  facts.file.emplace();
  facts.file->path = "/etc/lb/lb.yaml";
  facts.file->result.config.emplace();
  facts.file->etag = "\"e\"";
  facts.certificates = {GoodCertificate()};
  facts.doors = {{"unix:/run/lb/admin.sock", 0660, 0755, std::nullopt},
                 {"10.0.0.5:9901", std::nullopt, std::nullopt, false}};
  facts.server = GoodServer();
  return facts;
}

Facts PreFacts() {
  Facts facts = GoodFacts();
  facts.pre = true;
  facts.server.reset();
  facts.processes.clear();
  facts.binds = {{"web", *Endpoint::Parse("0.0.0.0:8080"), 0}};
  return facts;
}

// "LBC101 warning" of each finding.
std::vector<std::string> FindingsOf(const Facts& facts) {
  Report report;
  RunChecks(facts, report);
  std::vector<std::string> found;
  for (const CheckLine& line : report.lines()) {
    if (line.outcome != Outcome::kWarning && line.outcome != Outcome::kError) continue;
    EXPECT_FALSE(line.text.empty()) << line.code->id;
    EXPECT_FALSE(line.hint.empty()) << line.code->id << ": every finding says what to do";
    found.push_back(std::string(line.code->id) +
                    (line.outcome == Outcome::kError ? " error" : " warning"));
  }
  return found;
}

using Spoil = std::function<void(Facts&)>;

void ExpectOne(const std::string& expected, const Spoil& spoil, Facts facts = GoodFacts()) {
  spoil(facts);
  EXPECT_EQ(FindingsOf(facts), std::vector<std::string>{expected});
}

controlplane::Finding FindingAt(controlplane::Finding::Severity severity) {
  return {severity, "LB0102", "unknown key 'lisen'", "rules[0].lisen", 3, 5, 5, ""};
}

void AddEvents(Facts& facts, const char* kind, const char* resource, int count, int64_t ago_s) {
  for (int i = 0; i < count; ++i) {
    admin::v1::Event& event = facts.server->events.emplace_back();
    event.set_kind(kind);
    event.set_resource(resource);
    event.mutable_time()->set_seconds(kNow - ago_s);
  }
}

TEST(ChecksTest, GoodFactsGiveNoFindingAndNothingIsLeftOut) {
  EXPECT_EQ(FindingsOf(GoodFacts()), std::vector<std::string>{});
  EXPECT_EQ(FindingsOf(PreFacts()), std::vector<std::string>{});
  Report report;
  RunChecks(GoodFacts(), report);
  Report pre;
  RunChecks(PreFacts(), pre);
  std::set<std::string_view> said;
  for (const Report& one : {report, pre})
    for (const CheckLine& line : one.lines())
      if (line.outcome == Outcome::kGood) said.insert(line.code->id);
  for (const Code* code : kAllCodes)
    EXPECT_EQ(said.count(code->id), 1u) << code->id << " is not said to be good anywhere";
}

TEST(ChecksTest, EachReportHasEveryCodeOnceWithoutFindings) {
  for (const Facts& facts : {GoodFacts(), PreFacts(), Facts()}) {
    Report report;
    RunChecks(facts, report);
    std::set<std::string_view> ids;
    for (const CheckLine& line : report.lines()) ids.insert(line.code->id);
    EXPECT_EQ(ids.size(), kAllCodes.size());
    EXPECT_EQ(report.lines().size(), kAllCodes.size());
  }
}

TEST(ChecksTest, Kernel) {
  ExpectOne("LBC101 warning", [](Facts& f) { f.kernel.somaxconn = 128; });
  ExpectOne("LBC102 warning", [](Facts& f) { f.kernel.ephemeral_ports = PortRange{40000, 50000}; });
  ExpectOne("LBC104 warning", [](Facts& f) { f.kernel.files_open = 800'000; });
  ExpectOne("LBC104 error", [](Facts& f) { f.kernel.files_open = 990'000; });
  ExpectOne("LBC105 warning", [](Facts& f) { f.kernel.nr_open = 4096; });
  ExpectOne("LBC106 warning", [](Facts& f) { f.kernel.tcp_pages = 1000; });
  ExpectOne("LBC106 error", [](Facts& f) { f.kernel.tcp_pages = 1950; });
  ExpectOne("LBC107 warning", [](Facts& f) { f.kernel.conntrack_count = 800; });
  ExpectOne("LBC107 error", [](Facts& f) { f.kernel.conntrack_count = 1000; });
  ExpectOne("LBC108 error", [](Facts& f) { f.kernel.reuse_port_error = ENOPROTOOPT; });
  ExpectOne("LBC109 error", [](Facts& f) { f.kernel.splice_error = ENOSYS; });
  ExpectOne("LBC110 warning", [](Facts& f) { f.kernel.tcp_migrate_requests = 0; });
}

TEST(ChecksTest, ABadFileIsNamedByItsErrorNotByAWarningBeforeIt) {
  Facts facts = GoodFacts();
  lb::admin::v1::ConfigFile& file = *facts.server->status.mutable_file();
  file.set_good(false);
  lb::type::v1::Problem& warning = *file.add_problems();
  warning.set_severity(lb::type::v1::Problem::SEVERITY_WARNING);
  warning.set_code("LB1001");
  lb::type::v1::Problem& error = *file.add_problems();
  error.set_severity(lb::type::v1::Problem::SEVERITY_ERROR);
  error.set_code("LB0104");
  Report report;
  RunChecks(facts, report);
  for (const CheckLine& line : report.lines())
    if (line.outcome == Outcome::kError) {
      EXPECT_NE(line.text.find("LB0104"), std::string::npos) << line.text;
      EXPECT_EQ(line.text.find("LB1001"), std::string::npos) << line.text;
    }
  EXPECT_EQ(FindingsOf(facts), std::vector<std::string>{"LBC404 error"});
}

TEST(ChecksTest, AListenPortInsideTheEphemeralRangeIsFoundUnlessReserved) {
  const auto listen = [](Facts& facts) {
    facts.server->rules[0].set_listen("0.0.0.0:40000");
    for (ProcessFacts& process : facts.processes)
      process.listening = {*Endpoint::Parse("0.0.0.0:40000")};
  };
  ExpectOne("LBC103 warning", listen);
  Facts reserved = GoodFacts();
  listen(reserved);
  reserved.kernel.reserved_ports = {{39000, 41000}};
  EXPECT_EQ(FindingsOf(reserved), std::vector<std::string>{});
}

TEST(ChecksTest, Descriptors) {
  ExpectOne("LBC201 warning", [](Facts& f) { f.processes[0].descriptors_limit = 1024; });
  ExpectOne("LBC202 warning", [](Facts& f) { f.processes[0].descriptors_open = 900'000; });
  ExpectOne("LBC202 error", [](Facts& f) { f.processes[1].descriptors_open = 1'048'570; });
}

TEST(ChecksTest, Ports) {
  ExpectOne("LBC302 error", [](Facts& f) { f.processes[1].listening.clear(); });
  ExpectOne(
      "LBC303 error", [](Facts& f) { f.binds[0].error = EADDRINUSE; }, PreFacts());
  ExpectOne(
      "LBC303 error", [](Facts& f) { f.binds[0].error = EADDRNOTAVAIL; }, PreFacts());
  ExpectOne(
      "LBC304 warning", [](Facts& f) { f.binds[0].address = *Endpoint::Parse("0.0.0.0:443"); },
      PreFacts());
}

TEST(ChecksTest, ARefusedBindIsFoundWithItsPlace) {
  Facts facts = GoodFacts();
  Worker& worker = facts.server->workers[0];
  worker.set_sync(Worker::SYNC_ERROR);
  worker.set_nack_reason("BIND_FAILED");
  auto* problem = worker.add_problems();
  problem->set_message("0.0.0.0:8080: Address already in use");
  problem->set_file("lb.yaml");
  problem->set_line(4);
  problem->set_column(13);
  EXPECT_EQ(FindingsOf(facts), (std::vector<std::string>{"LBC301 error", "LBC702 error"}));
  Report report;
  RunChecks(facts, report);
  const std::string text = RenderReport(report, {});
  EXPECT_NE(text.find("LBC702 workers/worker-1 refused the configuration, BIND_FAILED: "
                      "lb.yaml:4:13: 0.0.0.0:8080: Address already in use"),
            std::string::npos)
      << text;
}

TEST(ChecksTest, Configuration) {
  using Severity = controlplane::Finding::Severity;
  ExpectOne("LBC401 error", [](Facts& f) { f.file->read_error = "cannot open lb.yaml"; });
  ExpectOne("LBC401 error",
            [](Facts& f) { f.file->result.findings = {FindingAt(Severity::kError)}; });
  ExpectOne("LBC402 warning",
            [](Facts& f) { f.file->result.findings = {FindingAt(Severity::kWarning)}; });
  ExpectOne("LBC403 warning", [](Facts& f) { f.file->etag = "\"other\""; });
  ExpectOne("LBC404 error", [](Facts& f) { f.server->status.mutable_file()->set_good(false); });
  ExpectOne("LBC405 error", [](Facts& f) { f.server->status.clear_running(); });
  ExpectOne("LBC406 warning", [](Facts& f) {
    f.server->status.mutable_confirm_deadline_time()->set_seconds(kNow + 30);
  });
  ExpectOne("LBC407 warning", [](Facts& f) { f.server->status.mutable_cluster()->set_open(true); });
  ExpectOne("LBC408 warning",
            [](Facts& f) { f.server->status.mutable_cluster()->set_keys_ordered(true); });
  ExpectOne("LBC409 warning",
            [](Facts& f) { f.server->status.mutable_cluster()->set_stays_away(true); });
  const auto alert = [](const char* resource) {
    return [resource](Facts& f) {
      admin::v1::Alert& added = *f.server->status.add_alerts();
      added.set_resource(resource);
      added.set_message("something is wrong");
    };
  };
  ExpectOne("LBC410 warning", alert("cluster/strangers/10.0.0.3"));
  ExpectOne("LBC411 warning", [](Facts& f) {
    f.server->status.mutable_cluster()->add_peers_missing("10.0.0.2:7946");
  });
  ExpectOne("LBC412 warning",
            [](Facts& f) { f.server->status.mutable_cluster()->set_members_failed(1); });
  ExpectOne("LBC413 warning", alert("cluster/limits"));
}

TEST(ChecksTest, Versions) {
  ExpectOne("LBC501 warning", [](Facts& f) { f.lbctl_version = "0.9.0"; });
  ExpectOne("LBC502 warning",
            [](Facts& f) { f.server->workers[0].mutable_process()->set_version("0.9.0"); });
  ExpectOne("LBC503 warning",
            [](Facts& f) { f.server->workers[0].add_missing_features("log level"); });
}

TEST(ChecksTest, Certificates) {
  ExpectOne("LBC601 error", [](Facts& f) { f.certificates[0].error = "me.crt: no such file"; });
  ExpectOne("LBC602 error", [](Facts& f) { f.certificates[0].key_mode = 0644; });
  ExpectOne("LBC603 error", [](Facts& f) { f.certificates[0].key_matches = false; });
  ExpectOne("LBC604 error", [](Facts& f) { f.certificates[0].chain_error = "no issuer"; });
  ExpectOne("LBC605 warning", [](Facts& f) { f.certificates[0].not_after_s = kNow + 20 * kDay; });
  ExpectOne("LBC605 error", [](Facts& f) { f.certificates[0].not_after_s = kNow + kDay; });
  ExpectOne("LBC605 error", [](Facts& f) { f.certificates[0].not_after_s = kNow - 1; });
  Facts short_lived = GoodFacts();
  short_lived.certificates[0].not_before_s = kNow - 3 * kDay;
  short_lived.certificates[0].not_after_s = kNow + 4 * kDay;
  EXPECT_TRUE(FindingsOf(short_lived).empty());
  ExpectOne("LBC605 error", [](Facts& f) { f.certificates[0].not_before_s = kNow + kDay; });
  ExpectOne("LBC605 warning",
            [](Facts& f) { f.certificates[0].ca_not_after_s = kNow + 20 * kDay; });
  ExpectOne("LBC606 error", [](Facts& f) { f.certificates[0].names = {"DNS:host"}; });
  ExpectOne("LBC606 error", [](Facts& f) {
    f.certificates[0].names = {"URI:spiffe://lb/admin/a", "URI:spiffe://lb/viewer/a"};
  });
  ExpectOne("LBC606 error", [](Facts& f) {
    f.certificates[0].owner = "lb-controlplane (pid 7)";  // A server's names hosts.
  });
}

TEST(ChecksTest, CertificatesOfRules) {
  const auto one = [](Facts& f) -> admin::v1::Certificate& {
    return f.server->rule_certificates->at(0);
  };
  ExpectOne("LBC607 error", [&](Facts& f) {
    one(f).set_state(admin::v1::Certificate::STATE_REFUSED);
    one(f).set_problem("no certificate is in it");
  });
  ExpectOne("LBC608 warning",
            [&](Facts& f) { one(f).mutable_expire_time()->set_seconds(kNow + 10 * kDay); });
  ExpectOne("LBC608 error",
            [&](Facts& f) { one(f).mutable_expire_time()->set_seconds(kNow + 2 * kDay); });
  ExpectOne("LBC608 error", [&](Facts& f) { one(f).mutable_expire_time()->set_seconds(kNow - 1); });
  ExpectOne("LBC608 error",
            [&](Facts& f) { one(f).set_state(admin::v1::Certificate::STATE_NOT_YET_VALID); });
  ExpectOne("LBC608 warning",
            [&](Facts& f) { one(f).mutable_ocsp_next_update_time()->set_seconds(kNow - 1); });
  Facts older = GoodFacts();
  older.server->rule_certificates.reset();  // A control plane that does not know the question.
  EXPECT_TRUE(FindingsOf(older).empty());
}

TEST(ChecksTest, Workers) {
  ExpectOne("LBC701 error", [](Facts& f) {
    for (Worker& worker : f.server->workers) worker.set_draining(true);
  });
  ExpectOne("LBC702 error", [](Facts& f) { f.server->workers[0].set_sync(Worker::SYNC_ERROR); });
  ExpectOne("LBC703 error", [](Facts& f) {
    f.server->workers[0].set_sync(Worker::SYNC_STALE);
    f.server->workers[0].mutable_last_seen_time()->set_seconds(kNow - 10);
  });
  ExpectOne("LBC704 warning",
            [](Facts& f) { f.server->workers[0].set_sync(Worker::SYNC_DISCONNECTED); });
  ExpectOne("LBC705 warning",
            [](Facts& f) { f.server->workers[0].set_sync(Worker::SYNC_NOT_SENT); });
  ExpectOne("LBC705 warning", [](Facts& f) {
    f.server->workers[0].set_sync(Worker::SYNC_STALE);  // It speaks, so it only has yet to answer.
  });
  ExpectOne("LBC706 warning", [](Facts& f) {
    AddEvents(f, "worker.connected", "workers/worker-1", kRestartsMax + 1, 60);
  });
}

TEST(ChecksTest, NoWorkerAtAllIsAnError) {
  ExpectOne("LBC701 error", [](Facts& f) { f.server->workers.clear(); });
}

TEST(ChecksTest, OldEventsAreForgotten) {
  Facts facts = GoodFacts();
  AddEvents(facts, "worker.connected", "workers/worker-1", 50, kRestartWindowS + 1);
  AddEvents(facts, "backend.down", "rules/web/backends/web-1", 50, kFlapWindowS + 1);
  EXPECT_EQ(FindingsOf(facts), std::vector<std::string>{});
}

TEST(ChecksTest, Backends) {
  ExpectOne("LBC801 warning", [](Facts& f) {
    f.server->backends[0].set_health(lb::type::v1::HEALTH_STATE_UNHEALTHY);
  });
  ExpectOne("LBC802 error", [](Facts& f) { f.server->rules[0].set_backends_up(0); });
  ExpectOne("LBC802 error", [](Facts& f) {  // Its Services have no endpoint.
    f.server->rules[0].set_backends_up(0);
    f.server->rules[0].set_backends_total(0);
    f.server->backends.clear();
  });
  ExpectOne("LBC803 warning", [](Facts& f) {
    AddEvents(f, "backend.down", "rules/web/backends/web-1", 2, 60);
    AddEvents(f, "backend.up", "rules/web/backends/web-1", 2, 30);
  });
  ExpectOne("LBC804 error", [](Facts& f) { f.server->backends[0].set_unresolved("NXDOMAIN"); });
  ExpectOne("LBC805 warning",
            [](Facts& f) { f.server->backends[0].mutable_ejection()->set_workers(1); });
  ExpectOne("LBC806 error", [](Facts& f) {
    f.server->backends[0].set_address("shop/web:http");
    f.server->backends[0].set_unresolved("HTTP 403");
  });
  ExpectOne("LBC806 warning", [](Facts& f) {
    admin::v1::Alert& alert = *f.server->status.add_alerts();
    alert.set_resource("services/shop/web:http");
    alert.set_message("it has no endpoint");
  });
  Facts maintained = GoodFacts();
  maintained.server->backends[0].set_health(lb::type::v1::HEALTH_STATE_UNHEALTHY);
  maintained.server->backends[0].set_admin_state(lb::type::v1::ADMIN_STATE_MAINT);
  EXPECT_EQ(FindingsOf(maintained), std::vector<std::string>{});
}

TEST(ChecksTest, Api) {
  ExpectOne("LBC902 error", [](Facts& f) { f.doors[0].socket_mode = 0666; });
  ExpectOne("LBC902 error", [](Facts& f) { f.doors[0].folder_mode = 0777; });
  ExpectOne("LBC903 error", [](Facts& f) { f.doors[1].answers_strangers = true; });
  Facts sticky = GoodFacts();
  sticky.doors[0].folder_mode = 01777;
  EXPECT_EQ(FindingsOf(sticky), std::vector<std::string>{});
}

TEST(ChecksTest, AnUnreachableControlPlaneIsOneFindingAndTheRestIsLeftOut) {
  Facts facts = GoodFacts();
  facts.server.reset();
  facts.server_error = absl::UnavailableError("cannot reach the control plane");
  SetHint(facts.server_error, "Is lb-controlplane running?");
  EXPECT_EQ(FindingsOf(facts), std::vector<std::string>{"LBC901 error"});
}

}  // namespace
}  // namespace lb::cli
