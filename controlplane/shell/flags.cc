#include "controlplane/shell/flags.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/http_probe.h"
#include "base/status_macros.h"
#include "base/version.h"
#include "controlplane/access/identity.h"

namespace lb::controlplane {
namespace {

// The addresses as typed.
struct Addresses {
  std::vector<std::string> worker_api{"unix:/run/lb/worker.sock"};
  std::vector<std::string> admin_api{"unix:/run/lb/admin.sock"};
  std::string http = "127.0.0.1:9903";
};

void Describe(CLI::App& app, Flags& flags, Addresses& addresses) {
  app.add_option("--config", flags.config, "Configuration file")->type_name("FILE");
  app.add_flag("--check-config", flags.check_config,
               "Check the configuration, print what is found, exit 1 on an error");
  app.add_option("--worker-api", addresses.worker_api,
                 "Where workers connect: unix:PATH, or HOST:PORT with mutual TLS; repeatable")
      ->type_name("ADDR")
      ->allow_extra_args(false);
  app.add_option("--admin-api", addresses.admin_api, "Where lbctl connects; likewise")
      ->type_name("ADDR")
      ->allow_extra_args(false);
  app.add_option("--tls-ca", flags.tls.ca, "Authorities that clients' certificates must come from")
      ->type_name("FILE");
  app.add_option("--tls-cert", flags.tls.cert, "Certificate of this server")->type_name("FILE");
  app.add_option("--tls-key", flags.tls.key, "Its key. All three are read again when they change")
      ->type_name("FILE");
  app.add_option("--tls-cluster", flags.tls_cluster,
                 "The CLUSTER that clients' certificates must name (spiffe://CLUSTER/...); without "
                 "it any that --tls-ca has signed")
      ->type_name("NAME");
  app.add_option("--http", addresses.http, "Where /metrics, /livez and /readyz are served")
      ->type_name("ADDR");
  app.add_option(
         "--probe", flags.probe,
         "Print this page of the control plane that runs with the same --http and end: code "
         "0 for status 200, else 1, after a second at most")
      ->type_name("PATH");
  app.add_option("--state-dir", flags.state_dir, "Folder kept over restarts")->type_name("DIR");
  app.add_option("--node-id", flags.node_id, "Name of this node (default: the host name)")
      ->type_name("NAME");
  app.add_option("--log-level", flags.log_level, "error, warn, info, debug or trace");
  app.add_option("--log-format", flags.log_format, "text or json");
  app.option_defaults();
  for (CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_max() > 0 && option->get_name() != "--node-id" &&
        option->get_name() != "--tls-cluster" && option->get_name() != "--probe")
      option->capture_default_str();
  }
}

absl::StatusOr<Endpoint> ParseApi(const char* flag, const std::string& text, const TlsPaths& tls) {
  absl::StatusOr<Endpoint> address = Endpoint::Parse(text, Endpoint::PortZero::kAllow);
  if (!address.ok())
    return absl::InvalidArgumentError(absl::StrCat(flag, ": ", address.status().message()));
  if (!address->IsResolved())
    return absl::InvalidArgumentError(
        absl::StrCat(flag, ": ", text, " is a name; listening needs an IP address or unix:PATH"));
  if (address->kind() != Endpoint::Kind::kUnix && !tls.all())
    return absl::InvalidArgumentError(
        absl::StrCat(flag, ": ", text,
                     " is a TCP address, which needs mutual TLS, on loopback too: give --tls-ca, "
                     "--tls-cert and --tls-key, or use a unix socket, \"unix:/PATH\""));
  return address;
}

absl::StatusOr<std::vector<Endpoint>> ParseApis(const char* flag,
                                                const std::vector<std::string>& texts,
                                                const TlsPaths& tls) {
  std::vector<Endpoint> addresses;
  for (const std::string& text : texts) {
    LB_ASSIGN_OR_RETURN(Endpoint address, ParseApi(flag, text, tls));
    addresses.push_back(std::move(address));
  }
  return addresses;
}

absl::Status CheckApis(const Flags& flags) {
  if (!flags.tls.none() && !flags.tls.all())
    return absl::InvalidArgumentError("--tls-ca, --tls-cert and --tls-key go together");
  if (!flags.tls_cluster.empty() && !flags.tls.all())
    return absl::InvalidArgumentError("--tls-cluster: it needs --tls-ca, --tls-cert and --tls-key");
  if (!flags.tls_cluster.empty() && !IsIdentityName(flags.tls_cluster))
    return absl::InvalidArgumentError(absl::StrCat("--tls-cluster: use 1 to ", kMaxIdentityBytes,
                                                   " letters, digits, '-', '_' and '.'"));
  std::vector<Endpoint> all = flags.worker_api;
  all.insert(all.end(), flags.admin_api.begin(), flags.admin_api.end());
  for (size_t i = 0; i < all.size(); ++i)
    for (size_t j = i + 1; j < all.size(); ++j)
      if (all[i] == all[j] && (all[i].kind() == Endpoint::Kind::kUnix || all[i].port() != 0))
        return absl::InvalidArgumentError(
            absl::StrCat("--worker-api and --admin-api: ", all[i].ToString(), " is there twice"));
  return absl::OkStatus();
}

absl::StatusOr<std::string> NodeId(const std::string& given) {
  std::string name = given;
  if (name.empty()) {
    std::array<char, kMaxNodeIdBytes + 1> host{};
    if (::gethostname(host.data(), host.size() - 1) == 0) name = host.data();
    if (name.empty()) name = "localhost";
  }
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
  if (!plain || name.size() > kMaxNodeIdBytes)
    return absl::InvalidArgumentError(absl::StrCat("--node-id: use 1 to ", kMaxNodeIdBytes,
                                                   " letters, digits, '-', '_' and '.'"));
  return name;
}

absl::StatusOr<std::string> WholePath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(path, error);
  if (error)
    return absl::InvalidArgumentError(absl::StrCat("--config: ", path, ": ", error.message()));
  return whole.lexically_normal().string();
}

absl::Status Complete(const Addresses& addresses, Flags& flags) {
  LB_ASSIGN_OR_RETURN(flags.worker_api, ParseApis("--worker-api", addresses.worker_api, flags.tls));
  LB_ASSIGN_OR_RETURN(flags.admin_api, ParseApis("--admin-api", addresses.admin_api, flags.tls));
  LB_RETURN_IF_ERROR(CheckApis(flags));
  absl::StatusOr<Endpoint> http = Endpoint::Parse(addresses.http, Endpoint::PortZero::kAllow);
  if (!http.ok())
    return absl::InvalidArgumentError(absl::StrCat("--http: ", http.status().message()));
  flags.http = *std::move(http);
  if (!flags.probe.empty()) {
    const absl::Status good = HttpProbe::CheckPath(flags.probe);
    if (!good.ok()) return absl::InvalidArgumentError(absl::StrCat("--probe ", good.message()));
  }
  LB_ASSIGN_OR_RETURN(flags.node_id, NodeId(flags.node_id));
  // lbctl, in another folder, is told the file's name. Findings name it as it was written.
  if (!flags.check_config) {
    LB_ASSIGN_OR_RETURN(flags.config, WholePath(flags.config));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ParsedFlags> ParseFlags(std::vector<std::string> arguments) {
  CLI::App app("lb-controlplane: owns the configuration, checks health, tells the workers.",
               "lb-controlplane");
  Flags flags;
  Addresses addresses;
  Describe(app, flags, addresses);
  const std::string version = absl::StrCat("lb-controlplane ", kVersion);
  app.set_version_flag("--version", version);
  std::reverse(arguments.begin(), arguments.end());  // As CLI11 wants it.
  try {
    app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    return ParsedFlags{std::nullopt, app.help()};
  } catch (const CLI::CallForVersion&) {
    return ParsedFlags{std::nullopt, absl::StrCat(version, "\n")};
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(error.what());
  }
  if (absl::Status status = Complete(addresses, flags); !status.ok()) return status;
  return ParsedFlags{std::move(flags), ""};
}

}  // namespace lb::controlplane
