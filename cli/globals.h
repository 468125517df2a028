// The flags that every command understands, and where their values come from: flag, then
// environment (which the context fills up: context_store.h), then default. Pure except for the
// streams' kind, which is an argument.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/endpoints.h"

namespace lb::cli {

enum class Output { kTable, kWide, kJson, kYaml, kName, kJsonPath };

// What the command line said; unset is what it did not say.
struct GlobalFlags {
  std::optional<std::string> context;
  std::optional<std::string> config;  // The context file.
  std::vector<std::string> endpoints;
  std::optional<std::string> tls_ca;
  std::optional<std::string> tls_cert;
  std::optional<std::string> tls_key;
  std::optional<std::string> tls_server_name;
  std::optional<std::string> timeout;
  std::optional<std::string> output;
  std::optional<std::string> color;
  bool no_color = false;
  bool no_headers = false;
  bool quiet = false;
  bool verbose = false;
};

// What holds.
struct Globals {
  Endpoints endpoints;  // At least one.
  std::chrono::milliseconds timeout{0};
  Output output = Output::kTable;
  std::string jsonpath;  // kJsonPath: the template, checked.
  bool headers = true;
  bool color = false;  // On stdout.
  bool quiet = false;
  bool verbose = false;
};

using GetEnv = std::function<std::optional<std::string>(const std::string& name)>;

// Resolves the flags; InvalidArgument names the flag or variable and the value.
absl::StatusOr<Globals> Resolve(const GlobalFlags& flags, const GetEnv& get_env, bool stdout_tty);

// Whether a bad -o was meant to be JSON or not: errors are JSON only when this is true.
bool WantsJson(const GlobalFlags& flags);

}  // namespace lb::cli
