// lb-testpeer: the backends and the crowds of clients of the end-to-end tests. It prints JSON lines
// until it is done or gets a SIGTERM, which ends it gracefully.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <utility>

#include "base/endpoint.h"
#include "tests/e2e/tools/event_loop.h"
#include "tests/e2e/tools/idle_load.h"
#include "tests/e2e/tools/request_load.h"
#include "tests/e2e/tools/server.h"
#include "tests/e2e/tools/stream_load.h"

namespace lb::testpeer {
namespace {

struct Flags {
  std::string address;
  std::string name;
  RequestLoad::Options request;
  uint64_t timeout_ms = 10'000;
  StreamLoad::Options stream;
  uint64_t interval_ms = 100;
  IdleLoad::Options idle;
  std::string source;
};

int Fail(const absl::Status& status) {
  fprintf(stderr, "lb-testpeer: %s\n", std::string(status.message()).c_str());
  return 1;
}

int Serve(const Flags& flags, const Endpoint& address) {
  EventLoop loop;
  Server server(loop, {.name = flags.name, .listen = address});
  if (const absl::Status status = server.Start(); !status.ok()) return Fail(status);
  loop.Run([&] {
    server.Finish();
    loop.Stop();
  });
  return 0;
}

template <typename Load, typename Options>
int RunLoad(const Options& options) {
  EventLoop loop;
  Load load(loop, options);
  load.Start();
  loop.Run([&] { load.Finish(); });
  return 0;
}

void AddRequestFlags(CLI::App& app, Flags& flags) {
  app.add_option("--connections", flags.request.connections);
  app.add_option("--clients", flags.request.clients);
  app.add_option("--hold-ms-max", flags.request.hold_ms_max);
  app.add_option("--reset-percent", flags.request.reset_percent);
  app.add_option("--pause-ms", flags.request.pause_ms);
  app.add_option("--pause-after-error-ms", flags.request.pause_after_error_ms);
  app.add_option("--timeout-ms", flags.timeout_ms);
  app.add_option("--seed", flags.request.seed);
  app.add_option("--spread-percent", flags.request.spread_percent)
      ->check(CLI::Range(uint64_t{0}, uint64_t{100}));
  const CLI::Range sources(uint64_t{0}, RequestLoad::kMaxSources / 2);
  app.add_option("--sources", flags.request.sources)->check(sources);
  app.add_option("--first-source", flags.request.first_source)->check(sources);
}

void AddStreamFlags(CLI::App& app, Flags& flags) {
  app.add_option("--connections", flags.stream.connections);
  app.add_option("--chunk-bytes", flags.stream.chunk_bytes);
  app.add_option("--interval-ms", flags.interval_ms);
}

void AddIdleFlags(CLI::App& app, Flags& flags) {
  app.add_option("--connections", flags.idle.connections);
  app.add_option("--message-bytes", flags.idle.message_bytes)
      ->check(CLI::Range(uint64_t{1}, IdleLoad::kMaxMessageBytes));
  app.add_option("--at-once", flags.idle.at_once);
  app.add_option("--source", flags.source);
}

int RunIdle(Flags& flags) {
  if (!flags.source.empty()) {
    auto source = Endpoint::FromIp(flags.source, 0);
    if (!source.ok()) return Fail(source.status());
    flags.idle.source = *std::move(source);
  }
  return RunLoad<IdleLoad>(flags.idle);
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Backends and clients for tests.");
  app.require_subcommand(1);
  CLI::App* const serve = app.add_subcommand("serve", "a backend");
  CLI::App* const request = app.add_subcommand("request", "one request a connection");
  CLI::App* const stream = app.add_subcommand("stream", "echoed streams");
  CLI::App* const idle = app.add_subcommand("idle", "silent connections");
  for (CLI::App* command : {serve, request, stream, idle}) {
    command->add_option("address", flags.address)->required();
  }
  serve->add_option("--name", flags.name)->required();
  AddRequestFlags(*request, flags);
  AddStreamFlags(*stream, flags);
  AddIdleFlags(*idle, flags);
  CLI11_PARSE(app, argc, argv);

  const auto address = Endpoint::Parse(flags.address);
  if (!address.ok()) return Fail(address.status());
  if (*serve) return Serve(flags, *address);
  flags.request.target = flags.stream.target = flags.idle.target = *address;
  flags.request.timeout = std::chrono::milliseconds(flags.timeout_ms);
  flags.stream.interval = std::chrono::milliseconds(flags.interval_ms);
  if (*idle) return RunIdle(flags);
  if (*request) return RunLoad<RequestLoad>(flags.request);
  return RunLoad<StreamLoad>(flags.stream);
}

}  // namespace
}  // namespace lb::testpeer

int main(int argc, char** argv) { return lb::testpeer::Main(argc, argv); }
