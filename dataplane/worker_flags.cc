#include "dataplane/worker_flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <sstream>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/http_probe.h"
#include "base/listen.h"
#include "base/status_macros.h"
#include "base/version.h"
#include "dataplane/control/drainer.h"
#include "dataplane/forward/forwarder.h"

namespace lb::dataplane {
namespace {

constexpr size_t kMaxIdBytes = 63;  // One DNS label's length: fits paths, labels and pod names.
constexpr int kUsageError = 2;

struct RawFlags {
  std::string control = "unix:/run/lb/worker.sock";
  TlsPaths tls;
  std::string tls_server_name;
  std::string http;
  std::string probe;
  std::string id = "worker";
  int threads = 0;
  int64_t max_connections = 0;
  std::string drain_timeout = "30s";
  std::string min_drain = "0s";
  std::string when_replaced = "exit";
  std::string log_level = "info";
  std::string log_format = "text";
};

absl::Status CheckId(const std::string& id) {
  const bool chars = std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
  if (!id.empty() && id.size() <= kMaxIdBytes && chars) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--id '", id, "': use 1 to ", kMaxIdBytes,
                                                 " of letters, digits, '.', '_' and '-'"));
}

absl::StatusOr<Endpoint> ParseControl(const std::string& text, const TlsPaths& tls) {
  if (!tls.none() && !tls.all())
    return absl::InvalidArgumentError("--tls-ca, --tls-cert and --tls-key go together");
  const auto control = Endpoint::Parse(text);
  if (!control.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--control: ", control.status().message()));
  }
  const bool is_unix = control->kind() == Endpoint::Kind::kUnix;
  if (is_unix && !tls.none())
    return absl::InvalidArgumentError(
        absl::StrCat("--tls-ca, --tls-cert and --tls-key are for TCP; --control is ", text));
  if (is_unix || tls.all()) return *control;
  return absl::InvalidArgumentError(
      absl::StrCat("--control ", text,
                   ": a TCP address needs mutual TLS, on loopback too: give --tls-ca, --tls-cert "
                   "and --tls-key, or use unix:PATH"));
}

absl::StatusOr<Endpoint> ParseHttp(const RawFlags& raw) {
  const std::string text =
      raw.http.empty() ? absl::StrCat("unix:/run/lb/worker-", raw.id, ".http") : raw.http;
  auto http = Endpoint::Parse(text, Endpoint::PortZero::kAllow);
  if (!http.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--http: ", http.status().message()));
  }
  if (http->kind() == Endpoint::Kind::kUnix || IsLoopback(*http)) return *std::move(http);
  return absl::InvalidArgumentError(
      absl::StrCat("--http ", text, ": use unix:PATH or a loopback address like 127.0.0.1:9904"));
}

absl::StatusOr<std::string> CheckProbe(const std::string& path) {
  if (path.empty()) return path;
  const absl::Status good = HttpProbe::CheckPath(path);
  if (good.ok()) return path;
  return absl::InvalidArgumentError(absl::StrCat("--probe ", good.message()));
}

// "30s", "500ms" is not offered: a drain is a matter of seconds. "2m" and "1h" are.
absl::StatusOr<std::chrono::seconds> ParseTimeout(const char* flag, const std::string& text) {
  uint64_t unit_s = 0;
  if (!text.empty()) {
    unit_s = text.back() == 's' ? 1 : text.back() == 'm' ? 60 : text.back() == 'h' ? 3600 : 0;
  }
  uint64_t count = 0;
  const bool digits = text.size() >= 2 && text.size() <= 8 &&
                      text.find_first_not_of("0123456789") == text.size() - 1 &&
                      absl::SimpleAtoi(text.substr(0, text.size() - 1), &count);
  const auto longest_s = static_cast<uint64_t>(Drainer::kMaxTimeout.count());
  if (unit_s != 0 && digits && count * unit_s <= longest_s) {
    return std::chrono::seconds(count * unit_s);
  }
  return absl::InvalidArgumentError(
      absl::StrCat(flag, " '", text, "': use a number with s, m or h, like 30s, up to 168h"));
}

absl::StatusOr<bool> ParseWhenReplaced(const std::string& text) {
  if (text == "exit" || text == "wait") return text == "wait";
  return absl::InvalidArgumentError(absl::StrCat("--when-replaced '", text, "': use exit or wait"));
}

absl::StatusOr<size_t> CheckThreads(int threads) {
  constexpr int kMost = static_cast<int>(Forwarder::kMaxThreads);
  if (threads == 0) {
    // Available to this process: glibc's answer honours the affinity mask, sched_getaffinity(2).
    return std::clamp<size_t>(std::thread::hardware_concurrency(), 1, Forwarder::kMaxThreads);
  }
  if (threads >= 1 && threads <= kMost) return static_cast<size_t>(threads);
  return absl::InvalidArgumentError(
      absl::StrCat("--threads ", threads, ": use 1 to ", kMost, ", or 0 for one per processor"));
}

absl::StatusOr<uint64_t> CheckMaxConnections(int64_t connections) {
  if (connections >= 0) return static_cast<uint64_t>(connections);
  return absl::InvalidArgumentError(
      absl::StrCat("--max-connections ", connections, ": use 1 or more, or 0 for no limit"));
}

absl::StatusOr<WorkerFlags> Check(const RawFlags& raw) {
  WorkerFlags flags;
  LB_RETURN_IF_ERROR(CheckId(raw.id));
  flags.id = raw.id;
  LB_ASSIGN_OR_RETURN(flags.control, ParseControl(raw.control, raw.tls));
  flags.tls = raw.tls;
  flags.tls_server_name = raw.tls_server_name;
  LB_ASSIGN_OR_RETURN(flags.http, ParseHttp(raw));
  LB_ASSIGN_OR_RETURN(flags.probe, CheckProbe(raw.probe));
  LB_ASSIGN_OR_RETURN(flags.threads, CheckThreads(raw.threads));
  LB_ASSIGN_OR_RETURN(flags.max_connections, CheckMaxConnections(raw.max_connections));
  LB_ASSIGN_OR_RETURN(flags.drain_timeout, ParseTimeout("--drain-timeout", raw.drain_timeout));
  LB_ASSIGN_OR_RETURN(flags.min_drain, ParseTimeout("--min-drain", raw.min_drain));
  LB_ASSIGN_OR_RETURN(flags.wait_when_replaced, ParseWhenReplaced(raw.when_replaced));
  flags.log_level = raw.log_level;
  flags.log_format = raw.log_format;
  return flags;
}

void Declare(CLI::App& app, RawFlags& raw) {
  app.add_option("--control", raw.control,
                 "control plane's worker API: unix:PATH, or HOST:PORT with mutual TLS")
      ->capture_default_str();
  app.add_option("--tls-ca", raw.tls.ca, "authorities of the control plane's certificate");
  app.add_option("--tls-cert", raw.tls.cert,
                 "our certificate, with the URI spiffe://CLUSTER/worker/ID");
  app.add_option("--tls-key", raw.tls.key,
                 "its key; all three are read again for every connection");
  app.add_option("--tls-server-name", raw.tls_server_name,
                 "what the control plane's certificate names, where it is not HOST");
  app.add_option("--threads", raw.threads, "I/O threads; 0: one per processor available")
      ->capture_default_str();
  app.add_option("--max-connections", raw.max_connections,
                 "client connections open at once; 0: as many as descriptors (ulimit -n) allow")
      ->capture_default_str();
  app.add_option("--id", raw.id, "name of this worker, stable over restarts, unique on the host")
      ->capture_default_str();
  app.add_option("--http", raw.http,
                 "/metrics, /livez, /readyz: unix:PATH or a loopback ADDRESS:PORT "
                 "[unix:/run/lb/worker-ID.http]");
  app.add_option("--probe", raw.probe,
                 "print this page of the worker that runs with the same --http (or --id) and end: "
                 "code 0 for status 200, else 1, after a second at most");
  app.add_option("--drain-timeout", raw.drain_timeout,
                 "how long SIGTERM waits for connections to end")
      ->capture_default_str();
  app.add_option(
         "--min-drain", raw.min_drain,
         "how long SIGTERM only says not ready before the ports close, so that balancers in "
         "front look elsewhere first")
      ->capture_default_str();
  app.add_option("--when-replaced", raw.when_replaced,
                 "when a new process of this id serves: exit after a drain, or wait for a signal "
                 "(for supervisors that start again what exits)")
      ->capture_default_str();
  app.add_option("--log-level", raw.log_level, "error, warn, info, debug or trace")
      ->capture_default_str();
  app.add_option("--log-format", raw.log_format, "text or json")->capture_default_str();
  app.set_version_flag("--version", absl::StrCat("lb-worker ", kVersion));
}

ParsedFlags UsageError(std::string_view what) {
  ParsedFlags parsed;
  parsed.exit_code = kUsageError;
  parsed.output = absl::StrCat("lb-worker: ", absl::string_view(what.data(), what.size()),
                               "\nSee lb-worker --help.\n");
  return parsed;
}

}  // namespace

ParsedFlags ParseFlags(int argc, const char* const* argv) {
  CLI::App app("lb-worker: forwards TCP connections as lb-controlplane says", "lb-worker");
  RawFlags raw;
  Declare(app, raw);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    if (app.exit(error, out, err) != 0) return UsageError(error.what());
    return {.run = std::nullopt, .exit_code = 0, .output = out.str()};
  }
  auto flags = Check(raw);
  if (!flags.ok()) {
    return UsageError({flags.status().message().data(), flags.status().message().size()});
  }
  return {.run = *std::move(flags), .exit_code = 0, .output = ""};
}

}  // namespace lb::dataplane
