#include "cli/lbctl_fixture.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "base/check.h"

namespace lb::cli {
namespace {

namespace api = lb::admin::v1;

// `ago_s` seconds before now.
void SetAgo(google::protobuf::Timestamp* time, int64_t ago_s) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  time->set_seconds(std::chrono::duration_cast<std::chrono::seconds>(now).count() - ago_s);
}

api::Backend MakeBackend(const std::string& name, const std::string& address,
                         lb::type::v1::HealthState health) {
  api::Backend backend;
  backend.set_name(name);
  backend.set_address(address);
  backend.set_weight(1);
  backend.set_max_connections(50);
  backend.set_health(health);
  backend.set_health_detail(health == lb::type::v1::HEALTH_STATE_HEALTHY ? "HTTP 200"
                                                                         : "connect timeout");
  backend.set_connections(7);
  SetAgo(backend.mutable_last_change_time(), 7200);
  return backend;
}

api::Rule MakeRule(const std::string& name, const std::string& listen, uint32_t up,
                   uint32_t total) {
  api::Rule rule;
  rule.set_name(name);
  rule.set_listen(listen);
  rule.set_balance("weighted_round_robin");
  rule.set_backends_up(up);
  rule.set_backends_total(total);
  rule.set_connections(12);
  return rule;
}

api::Worker MakeWorker(const std::string& id, api::Worker::Sync sync) {
  api::Worker worker;
  worker.set_name("workers/" + id);
  worker.mutable_process()->set_id(id);
  worker.mutable_process()->set_version("0.1.0");
  SetAgo(worker.mutable_process()->mutable_start_time(), 3600);
  worker.set_sync(sync);
  worker.mutable_sent()->set_revision(42);
  worker.mutable_acked()->set_revision(sync == api::Worker::SYNC_SYNCED ? 42 : 41);
  worker.set_connections(37);
  return worker;
}

api::Status MakeStatus() {
  api::Status status;
  status.mutable_control_plane()->set_id("cp-1");
  status.mutable_control_plane()->set_version("0.1.0");
  status.mutable_running()->set_revision(977);  // The workers' version: not what people see.
  status.set_config_revision(42);
  status.set_rules(2);
  status.set_workers_synced(1);
  status.set_workers_failed(1);
  status.set_backends_up(2);
  status.set_backends_down(1);
  status.set_connections(74);
  api::ConfigFile* file = status.mutable_file();
  file->set_path("/etc/lb/lb.yaml");
  SetAgo(file->mutable_bad_since_time(), 7200);
  SetAgo(file->mutable_applied_time(), 86400);
  lb::type::v1::Problem* problem = file->add_problems();
  problem->set_severity(lb::type::v1::Problem::SEVERITY_ERROR);
  problem->set_code("LB0102");
  problem->set_message("unknown key 'lisen'");
  problem->set_hint("did you mean 'listen'?");
  problem->set_line(3);
  problem->set_column(5);
  file->set_problems_total(9);
  api::Alert* alert = status.add_alerts();
  alert->set_resource("rules/web/backends/web-2");
  alert->set_message("DOWN: connect timeout");
  return status;
}

}  // namespace

fakes::AdminServer::Data LbctlTest::ExampleData() {
  using lb::type::v1::HEALTH_STATE_HEALTHY;
  using lb::type::v1::HEALTH_STATE_UNHEALTHY;
  using lb::type::v1::HEALTH_STATE_UNKNOWN;
  fakes::AdminServer::Data data;
  data.status = MakeStatus();
  data.rules = {MakeRule("rules/api", "0.0.0.0:9000", 1, 1),
                MakeRule("rules/web", "0.0.0.0:8080", 1, 2)};
  data.rules[1].set_max_connections(500);
  data.rules[1].mutable_queue()->set_max(1'000);
  data.rules[1].mutable_queue()->mutable_timeout()->set_seconds(5);
  data.rules[1].set_queued(3);
  data.rules[1].set_queued_total(40);
  data.backends = {MakeBackend("rules/api/backends/api-1", "10.0.0.9:80", HEALTH_STATE_UNKNOWN),
                   MakeBackend("rules/web/backends/web-1", "10.0.0.1:80", HEALTH_STATE_HEALTHY),
                   MakeBackend("rules/web/backends/web-2", "10.0.0.2:80", HEALTH_STATE_UNHEALTHY)};
  data.workers = {MakeWorker("worker-1", api::Worker::SYNC_SYNCED),
                  MakeWorker("worker-2", api::Worker::SYNC_ERROR)};
  data.workers[1].set_nack_reason("BIND_FAILED");
  data.workers[1].add_problems()->set_message("0.0.0.0:8080: Address already in use");
  return data;
}

LbctlTest::LbctlTest() {
  // TEST_TMPDIR of Bazel is longer than a socket's path may be.
  std::string pattern = "/tmp/lbctl-XXXXXX";
  LB_CHECK(::mkdtemp(pattern.data()) != nullptr);
  folder_ = pattern;
  server_ = std::make_unique<fakes::AdminServer>(SocketPath("admin.sock"));
  server_->Set(ExampleData());
}

LbctlTest::~LbctlTest() {
  server_.reset();
  std::filesystem::remove_all(folder_);
}

std::string LbctlTest::SocketPath(const std::string& name) const { return folder_ + "/" + name; }

std::vector<std::string> LbctlTest::WithEndpoint(std::vector<std::string> args) const {
  args.insert(args.begin(), {"--endpoint", "unix:" + SocketPath("admin.sock")});
  return args;
}

ProcessResult LbctlTest::Run(std::vector<std::string> args, const ProcessOptions& options) const {
  return RunLbctl(WithEndpoint(std::move(args)), options);
}

}  // namespace lb::cli
