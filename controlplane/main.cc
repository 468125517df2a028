// lb-controlplane: flags, the first read of the configuration, then the server.
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "base/grpc_log.h"
#include "base/http_probe.h"
#include "base/log.h"
#include "controlplane/config/load.h"
#include "controlplane/shell/config_reader.h"
#include "controlplane/shell/flags.h"
#include "controlplane/shell/process_setup.h"
#include "controlplane/shell/server.h"

namespace lb::controlplane {
namespace {

constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;  // A bad configuration, or the start failed.
constexpr int kExitUsage = 2;

int UsageError(const absl::Status& status) {
  std::fprintf(stderr, "lb-controlplane: %s\nTry 'lb-controlplane --help'.\n",
               std::string(status.message()).c_str());
  return kExitUsage;
}

int Serve(const Flags& flags, InitialConfig config) {
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(flags, std::move(config));
  if (!server.ok()) {
    LogError("cannot start", {{"error", std::string(server.status().message())}});
    return kExitFailed;
  }
  (*server)->Run();
  return kExitOk;
}

// A bad file does not end the start where a good configuration is known from before: workers that
// start now need one. Server::Start decides.
int CheckThenServe(const Flags& flags) {
  const ConfigFileRead file = ReadConfigFile(flags.config);
  FileStamps stamps;
  LoadResult loaded = LoadConfigFile(file, {.at_start = !flags.check_config, .stamps = &stamps});
  const std::string findings = RenderFindings(flags.config, file.text, loaded);
  const bool good = loaded.config.has_value();
  if (flags.check_config) {
    std::fputs(findings.c_str(), stdout);
    if (good) std::printf("%s: good\n", flags.config.c_str());
    return good ? kExitOk : kExitFailed;
  }
  if (!good || !loaded.left_out.empty()) std::fputs(findings.c_str(), stderr);
  ConfigRead read = EventOf(flags.config, file, std::move(loaded));
  return Serve(flags, {std::move(read), file.digest, std::move(stamps)});
}

int Main(std::vector<std::string> arguments) {
  absl::StatusOr<ParsedFlags> parsed = ParseFlags(std::move(arguments));
  if (!parsed.ok()) return UsageError(parsed.status());
  if (!parsed->flags) {
    std::fputs(parsed->text.c_str(), stdout);
    return kExitOk;
  }
  const Flags& flags = *parsed->flags;
  if (!flags.probe.empty()) return HttpProbe::Run("lb-controlplane", flags.http, flags.probe);
  if (absl::Status status = SetUpLog(flags.log_level, flags.log_format); !status.ok())
    return UsageError(status);
  RouteGrpcLog();
  IgnoreSigpipe();
  return CheckThenServe(flags);
}

}  // namespace
}  // namespace lb::controlplane

int main(int argc, char** argv) {
  return lb::controlplane::Main(std::vector<std::string>(argv + 1, argv + argc));
}
