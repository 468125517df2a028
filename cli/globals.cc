#include "cli/globals.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "cli/age.h"
#include "cli/exit_code.h"
#include "cli/jsonpath.h"
#include "cli/suggest.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

constexpr char kDefaultEndpoint[] = "unix:/run/lb/admin.sock";
constexpr char kDefaultTimeout[] = "5s";
constexpr char kJsonPathPrefix[] = "jsonpath=";

absl::Status NotOneOf(std::string_view flag, const std::string& value,
                      const std::vector<std::string>& allowed) {
  const std::string hint = DidYouMean(value, allowed);
  return UsageError(absl::StrCat(std::string(flag), ": '", Escape(value), "' is not one of ",
                                 absl::StrJoin(allowed, ", "), hint.empty() ? "" : "; ", hint));
}

absl::StatusOr<Output> ParseOutput(const std::string& text) {
  if (text == "table") return Output::kTable;
  if (text == "wide") return Output::kWide;
  if (text == "json") return Output::kJson;
  if (text == "yaml") return Output::kYaml;
  if (text == "name") return Output::kName;
  if (text.rfind(kJsonPathPrefix, 0) == 0) return Output::kJsonPath;
  return NotOneOf("-o", text, {"table", "wide", "json", "yaml", "name", "jsonpath=TEMPLATE"});
}

absl::StatusOr<bool> WantsColor(const GlobalFlags& flags, const GetEnv& get_env, bool stdout_tty) {
  const std::string mode = flags.color.value_or("");
  if (flags.color && mode != "auto" && mode != "always" && mode != "never")
    return NotOneOf("--color", mode, {"auto", "always", "never"});
  if (flags.no_color || mode == "never") return false;
  if (mode == "always") return true;
  // no-color.org: any non-empty value.
  for (const char* name : {"NO_COLOR", "LBCTL_NO_COLOR"})
    if (!get_env(name).value_or("").empty()) return false;
  return stdout_tty && get_env("TERM").value_or("dumb") != "dumb";
}

Endpoints FindEndpoints(const GlobalFlags& flags, const GetEnv& get_env) {
  const auto find = [&get_env](const std::optional<std::string>& flag, const char* variable) {
    return flag ? *flag : get_env(variable).value_or("");
  };
  Endpoints endpoints;
  endpoints.assign(flags.endpoints.begin(), flags.endpoints.end());
  if (endpoints.empty()) {
    const std::string text = get_env("LBCTL_ENDPOINT").value_or("");
    const std::vector<std::string> all =
        absl::StrSplit(text.empty() ? kDefaultEndpoint : text, ',');
    endpoints.assign(all.begin(), all.end());
  }
  endpoints.tls.ca = find(flags.tls_ca, "LBCTL_TLS_CA");
  endpoints.tls.cert = find(flags.tls_cert, "LBCTL_TLS_CERT");
  endpoints.tls.key = find(flags.tls_key, "LBCTL_TLS_KEY");
  endpoints.tls_server_name = find(flags.tls_server_name, "LBCTL_TLS_SERVER_NAME");
  return endpoints;
}

}  // namespace

absl::StatusOr<Globals> Resolve(const GlobalFlags& flags, const GetEnv& get_env, bool stdout_tty) {
  Globals globals;
  globals.endpoints = FindEndpoints(flags, get_env);
  const std::string from_env = get_env("LBCTL_TIMEOUT").value_or("");
  const char* source = flags.timeout || from_env.empty() ? "--timeout" : "LBCTL_TIMEOUT";
  const std::string fallback = from_env.empty() ? kDefaultTimeout : from_env;
  LB_ASSIGN_OR_RETURN(globals.timeout, ParseDuration(source, flags.timeout.value_or(fallback)));
  LB_ASSIGN_OR_RETURN(globals.output, ParseOutput(flags.output.value_or("table")));
  if (globals.output == Output::kJsonPath) {
    globals.jsonpath = flags.output->substr(sizeof kJsonPathPrefix - 1);
    LB_RETURN_IF_ERROR(CheckJsonPath(globals.jsonpath));
  }
  LB_ASSIGN_OR_RETURN(globals.color, WantsColor(flags, get_env, stdout_tty));
  globals.headers = !flags.no_headers;
  globals.quiet = flags.quiet;
  globals.verbose = flags.verbose;
  return globals;
}

bool WantsJson(const GlobalFlags& flags) { return flags.output == "json"; }

}  // namespace lb::cli
