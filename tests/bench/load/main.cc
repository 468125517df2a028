// lb-bench-load: the clients and the backend of the benchmark in one process. It reports JSON lines
// on stdout, and ends with 1 and a reason on stderr when it cannot measure.

#include <signal.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <cstdio>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/endpoint.h"
#include "base/time.h"
#include "tests/bench/load/connections.h"
#include "tests/bench/load/generator.h"
#include "tests/bench/load/idle_hold.h"
#include "tests/bench/load/limits.h"
#include "tests/bench/load/measurement.h"
#include "tests/bench/load/meter.h"
#include "tests/bench/load/tls_ends.h"
#include "tests/bench/load/workload.h"
#include "tests/e2e/tools/report.h"

namespace lb::bench {
namespace {

struct Flags {
  std::string target;
  std::string backend;
  Workload workload;
  std::string client_tls = "plain";
  TlsEnds::Options tls;
  std::string direction = "to-clients";
  uint64_t warm_up_ms = 400;
  uint64_t interval_ms = 1'200;
  uint64_t balancer_run_ms_min = 200;
  Measurement::Options measurement;
};

// Traffic is for loopback only: an address of 127.0.0.0/8.
absl::StatusOr<Endpoint> ParseTarget(const std::string& text) {
  auto target = Endpoint::Parse(text);
  if (target.ok() && (target->kind() != Endpoint::Kind::kIp || !target->host().starts_with("127.")))
    return absl::InvalidArgumentError(absl::StrCat("not an address of 127.0.0.0/8: ", text));
  return target;
}

// Both ends of every connection are here.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Adds the handshakes since `before`: in all, and those that resumed a session.
void AddHandshakes(const TlsEnds::Counts& before, const TlsEnds::Counts& now,
                   boost::json::object& result) {
  result["handshakes"] = now.clients - before.clients;
  result["resumed_handshakes"] = now.clients_resumed - before.clients_resumed;
  result["backend_handshakes"] = now.backend - before.backend;
  result["resumed_backend_handshakes"] = now.backend_resumed - before.backend_resumed;
}

absl::Status Measure(const Flags& flags, const TlsEnds& tls, Generator& generator, Meter& meter) {
  generator.Open(flags.workload.connections);
  Measurement measurement(flags.measurement, meter, ReadClocks().steady);
  TlsEnds::Counts warmed_up;
  do {
    // In the warm-up nobody has a session yet.
    if (!meter.measuring) warmed_up = tls.counts();
    generator.Turn();
    if (const absl::Status status = CheckErrors(meter); !status.ok()) return status;
  } while (!measurement.IsOver(ReadClocks().steady));
  boost::json::object result = measurement.Result();
  AddHandshakes(warmed_up, tls.counts(), result);
  testpeer::WriteReport(result);
  return absl::OkStatus();
}

absl::Status Run(const Flags& flags) {
  const auto target = ParseTarget(flags.target);
  if (!target.ok()) return target.status();
  const auto backend = Endpoint::Parse(flags.backend);
  if (!backend.ok()) return backend.status();
  const auto tls = TlsEnds::Make(flags.tls);
  if (!tls.ok()) return tls.status();
  RaiseDescriptorLimit();
  signal(SIGPIPE, SIG_IGN);  // BoringSSL writes without MSG_NOSIGNAL.
  Connections connections;
  connections.UseTls(**tls);
  connections.set_target(*target);
  if (const auto listening = connections.Listen(*backend); !listening.ok()) {
    return listening.status();
  }
  Meter meter;
  Generator generator(flags.workload, connections, meter);
  if (flags.workload.mode == Workload::Mode::kIdle) {
    return HoldIdle(flags.workload, generator, meter);
  }
  return Measure(flags, **tls, generator, meter);
}

void AddOptions(CLI::App& app, Flags& flags) {
  const CLI::Range sizes(uint64_t{1}, kMessageBytesMax);
  const CLI::Range times(uint64_t{0}, kMillisecondsMax);
  Workload& workload = flags.workload;
  app.add_option("--target", flags.target, "where the clients connect, 127.x.x.x:PORT")->required();
  app.add_option("--backend", flags.backend, "where the backend listens, IP:PORT")->required();
  app.add_option("--connections", workload.connections, "open at once")
      ->check(CLI::Range(uint32_t{1}, kConnectionsMax));
  app.add_option("--request-bytes", workload.request_bytes)->check(sizes);
  app.add_option("--response-bytes", workload.response_bytes)->check(sizes);
  app.add_flag("--server-closes", workload.server_closes, "mode connections: not the client");
  app.add_option("--direction", flags.direction, "mode streams")
      ->check(CLI::IsMember({"to-clients", "to-servers", "both"}));
  app.add_option("--client-tls", flags.client_tls, "TLS of the clients")
      ->check(CLI::IsMember({"plain", "full", "resumed"}));
  app.add_option("--backend-cert", flags.tls.backend_cert, "PEM; makes the backend speak TLS");
  app.add_option("--backend-key", flags.tls.backend_key, "PEM");
  app.add_option("--warm-up-ms", flags.warm_up_ms)->check(times);
  app.add_option("--interval-ms", flags.interval_ms)->check(times);
  app.add_option("--balancer-run-ms-min", flags.balancer_run_ms_min,
                 "the interval grows until the balancer has run this long")
      ->check(times);
  app.add_option("--balancer-pid", flags.measurement.balancer, "whose CPU time to report");
  app.add_option("--beside-pid", flags.measurement.beside, "whose CPU time to report apart");
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Load for measuring a TCP load balancer: clients and backend in one process.");
  app.require_subcommand(1);
  const auto add_mode = [&](const char* name, Workload::Mode mode, const char* what) {
    CLI::App* const command = app.add_subcommand(name, what);
    command->callback([&flags, mode] { flags.workload.mode = mode; });
    AddOptions(*command, flags);
  };
  add_mode("connections", Workload::Mode::kConnections, "a connection per exchange");
  add_mode("requests", Workload::Mode::kRequests, "exchanges on open connections");
  add_mode("streams", Workload::Mode::kStreams, "as many bytes as go through");
  add_mode("idle", Workload::Mode::kIdle, "one exchange each, then held until SIGTERM");
  CLI11_PARSE(app, argc, argv);

  if (flags.client_tls == "full") flags.tls.client = TlsEnds::Client::kFull;
  if (flags.client_tls == "resumed") flags.tls.client = TlsEnds::Client::kResumed;
  flags.workload.to_clients = flags.direction != "to-servers";
  flags.workload.to_servers = flags.direction != "to-clients";
  flags.measurement.warm_up = std::chrono::milliseconds(flags.warm_up_ms);
  flags.measurement.interval = std::chrono::milliseconds(flags.interval_ms);
  flags.measurement.balancer_run_min = std::chrono::milliseconds(flags.balancer_run_ms_min);
  const absl::Status status = Run(flags);
  if (status.ok()) return 0;
  fprintf(stderr, "lb-bench-load: %s\n", std::string(status.message()).c_str());
  return 1;
}

}  // namespace
}  // namespace lb::bench

int main(int argc, char** argv) { return lb::bench::Main(argc, argv); }
