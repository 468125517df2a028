#include "cli/command_tree.h"

#include <memory>

namespace lb::cli {
namespace {

// Wide enough for "-t, --timeout DURATION".
constexpr size_t kHelpColumn = 26;

constexpr char kExamples[] = R"(Examples:
  lbctl status                              is everything all right?
  lbctl get backends --rule web             the backends of one rule
  lbctl get workers -w                      watch workers take a new configuration
  lbctl config validate /etc/lb/lb.yaml     check a file before it is used
  lbctl worker drain worker-1 --wait --yes  empty a worker before an upgrade

Exit codes: 0 done, 1 findings, alerts (status --check) or not in time, 2 usage, 3 not found,
4 unreachable, 5 refused, 6 conflict, 7 partly done, 70 bug, 130 interrupted.)";

CLI::Option* AddText(CLI::App& app, const char* names, std::optional<std::string>& target,
                     const char* type, const char* description) {
  return app
      .add_option_function<std::string>(
          names, [&target](const std::string& value) { target = value; }, description)
      ->type_name(type)
      ->take_last();
}

void AddGlobalFlags(CLI::App& app, CommandLine& line) {
  GlobalFlags& flags = line.flags;
  app.add_option("-e,--endpoint", flags.endpoints,
                 "unix:PATH of the admin socket, or HOST:PORT with mutual TLS; repeatable: the "
                 "first that answers (LBCTL_ENDPOINT; unix:/run/lb/admin.sock)")
      ->type_name("ADDRESS")
      ->allow_extra_args(false);
  AddText(app, "--tls-ca", flags.tls_ca, "FILE",
          "authorities that the server's certificate must come from (LBCTL_TLS_CA)");
  AddText(app, "--tls-cert", flags.tls_cert, "FILE", "our certificate (LBCTL_TLS_CERT)");
  AddText(app, "--tls-key", flags.tls_key, "FILE", "its key (LBCTL_TLS_KEY)");
  AddText(app, "--tls-server-name", flags.tls_server_name, "NAME",
          "what the server's certificate names, where it is not HOST (LBCTL_TLS_SERVER_NAME)");
  AddText(app, "--timeout", flags.timeout, "DURATION",
          "limit of connecting and of each call (LBCTL_TIMEOUT; 5s)");
  AddText(app, "-o,--output", flags.output, "FORMAT", "table, wide, json, yaml or name");
  app.add_flag("--no-headers", flags.no_headers, "tables without their first line");
  AddText(app, "--color", flags.color, "WHEN", "auto, always or never");
  app.add_flag("--no-color", flags.no_color, "same as --color never (NO_COLOR)");
  app.add_flag("-q,--quiet", flags.quiet, "no hints and notes on stderr");
  app.add_flag("-v,--verbose", flags.verbose, "each call to the control plane on stderr");
  app.add_flag_callback(
      "--version", [&line] { line.command = Command::kShowVersion; }, "lbctl's version");
}

// A command; `line.command` becomes `command` when it is the one.
CLI::App* Add(CLI::App& parent, const char* name, Command command, CommandLine& line,
              const char* description) {
  CLI::App* app = parent.add_subcommand(name, description);
  app->fallthrough();
  app->allow_extras();
  // Said once, by `lbctl --help`.
  app->set_help_flag("-h,--help", "this text")->group("");
  app->group("Commands");
  app->callback([&line, command] {
    if (line.command != Command::kShowVersion) line.command = command;
  });
  return app;
}

CLI::App* AddGroup(CLI::App& parent, const char* name, const char* description) {
  CLI::App* app = parent.add_subcommand(name, description);
  app->fallthrough();
  app->allow_extras();
  // Said once, by `lbctl --help`.
  app->set_help_flag("-h,--help", "this text")->group("");
  app->require_subcommand(0, 1);
  return app;
}

void AddLook(CLI::App& app, CommandLine& line) {
  CLI::App* status = Add(app, "status", Command::kStatus, line,
                         "control plane, workers, backends and alerts on one screen");
  status->add_flag("-w,--watch", line.watch, "ask again every second, until interrupted");
  status->add_flag("--check", line.check, "exit code 1 when there is any alert");
  CLI::App* get =
      Add(app, "get", Command::kGet, line, "list rules, backends or workers, all or by name");
  get->add_option("TYPE", line.words,
                  "rules (ru), backends (be) or workers (wo), then names; or TYPE/NAME")
      ->option_text(" [NAME...]");
  get->add_option("--rule", line.rule, "only backends of this rule")
      ->type_name("RULE")
      ->take_last();
  get->add_flag("-w,--watch", line.watch, "ask again every second, until interrupted");
  get->footer(
      "Examples:\n"
      "  lbctl get rules\n"
      "  lbctl get backends/web/web-1 -o json\n"
      "  lbctl get be --rule web -o wide\n"
      "  lbctl get workers worker-1 worker-2 -w");
  for (CLI::App* look : {status, get}) look->group("Look");
}

void AddConfig(CLI::App& app, CommandLine& line) {
  CLI::App* config =
      AddGroup(app, "config", "check and explain configuration files; needs no control plane");
  config->group("Configuration");
  CLI::App* validate = Add(*config, "validate", Command::kConfigValidate, line,
                           "every finding in a file, as the control plane would see it");
  validate->add_option("FILE", line.name, "the file; - is standard input");
  validate->add_flag("--strict", line.strict, "warnings fail too");
  validate->footer(
      "-o text (default), json or github (annotations of a pull request).\n"
      "Exit code 1 when the file would be refused.");
  CLI::App* schema =
      Add(*config, "schema", Command::kConfigSchema, line, "JSON Schema of lb.yaml, for editors");
  schema->add_option("--out", line.out, "write to FILE instead of stdout")
      ->type_name("FILE")
      ->take_last();
  CLI::App* explain = Add(*config, "explain", Command::kConfigExplain, line,
                          "what a key means, its type, unit and default");
  explain->add_option("PATH", line.name, "a key, as rules.health_check.interval_ms; none: the top");
}

void AddWorker(CLI::App& app, CommandLine& line) {
  CLI::App* worker = AddGroup(app, "worker", "drain workers and take them back");
  worker->group("Change");
  CLI::App* drain = Add(*worker, "drain", Command::kWorkerDrain, line,
                        "stop accepting, wait for open connections to end");
  drain->add_option("NAME", line.name, "the worker");
  AddText(*drain, "--timeout", line.drain_timeout, "DURATION",
          "end what is still open after this (30s)");
  drain->add_flag("--wait", line.wait, "return when it is drained");
  drain->add_flag("-y,--yes", line.yes, "do not ask");
  CLI::App* undrain =
      Add(*worker, "undrain", Command::kWorkerUndrain, line, "accept connections again");
  undrain->add_option("NAME", line.name, "the worker");
}

void AddTls(CLI::App& app, CommandLine& line) {
  CLI::App* tls = AddGroup(app, "tls", "make an authority and certificates, for first steps");
  tls->group("Other");
  CLI::App* ca = Add(*tls, "generate-ca", Command::kTlsGenerateCa, line,
                     "an authority for one cluster: ca.crt and ca.key");
  CLI::App* cert = Add(*tls, "generate-cert", Command::kTlsGenerateCert, line,
                       "a certificate from that authority: ROLE-NAME.crt and ROLE-NAME.key");
  cert->add_option("ROLE", line.words,
                   "server, worker, viewer, operator or admin; then its NAME: of a worker its --id")
      ->option_text(" NAME");
  cert->add_option("--san", line.tls.sans, "host name or IP address of a server; repeatable")
      ->type_name("NAME")
      ->allow_extra_args(false);
  line.tls.folder = ".";
  line.tls.cluster = "lb";
  for (CLI::App* made : {ca, cert}) {
    made->add_option("--dir", line.tls.folder, "where the files are (.)")
        ->type_name("FOLDER")
        ->take_last();
    made->add_option("--cluster", line.tls.cluster, "name of the cluster (lb)")
        ->type_name("NAME")
        ->take_last();
    made->add_flag("--force", line.tls.force, "overwrite what is there");
  }
  cert->footer(
      "Examples:\n"
      "  lbctl tls generate-ca --dir pki\n"
      "  lbctl tls generate-cert server lb-1 --dir pki --san lb-1.example.net --san 10.0.0.1\n"
      "  lbctl tls generate-cert worker worker-1 --dir pki\n"
      "  lbctl tls generate-cert admin deploy --dir pki");
}

}  // namespace

HelpFormat::HelpFormat() {
  column_width(kHelpColumn);
  label("SUBCOMMAND", "COMMAND");
  label("OPTIONS", "flags");
  label("Positionals", "Arguments");
}

std::string HelpFormat::make_help(const CLI::App* app, std::string name,
                                  CLI::AppFormatMode mode) const {
  std::string out = make_description(app) + "\n" + make_usage(app, std::move(name)) +
                    make_positionals(app) + make_subcommands(app, mode) + make_groups(app, mode);
  if (app->get_parent() != nullptr) out += "\nFlags of all commands: lbctl --help\n";
  const std::string footer = make_footer(app);
  return footer.empty() ? out : out + "\n" + footer;
}

std::string HelpFormat::make_option_opts(const CLI::Option* option) const {
  if (!option->get_option_text().empty() || option->get_positional()) return "";
  return option->get_type_size() == 0 ? "" : " " + option->get_type_name();
}

std::string HelpFormat::make_option_usage(const CLI::Option* option) const {
  return make_option_name(option, true) + option->get_option_text();
}

void BuildTree(CLI::App& app, CommandLine& line) {
  app.name("lbctl");
  app.description("lbctl looks at and steers lb, a TCP load balancer.");
  app.formatter(std::make_shared<HelpFormat>());
  app.set_help_flag("-h,--help", "this text, or that of a command");
  app.option_defaults()->group("Flags");
  app.get_help_ptr()->group("Flags");
  app.allow_extras();
  app.require_subcommand(0, 1);
  AddGlobalFlags(app, line);
  AddLook(app, line);
  AddConfig(app, line);
  AddWorker(app, line);
  AddTls(app, line);
  CLI::App* version = Add(app, "version", Command::kVersion, line,
                          "versions of lbctl, the control plane and its workers");
  version->group("Other");
  version->add_flag("--client", line.client_only, "only lbctl's; asks nobody");
  app.footer(kExamples);
}

}  // namespace lb::cli
