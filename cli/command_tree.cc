#include "cli/command_tree.h"

#include <memory>

#include "cli/command_tree_parts.h"

namespace lb::cli {
namespace {

// Wide enough for "-t, --timeout DURATION".
constexpr size_t kHelpColumn = 26;

constexpr char kExamples[] = R"(Examples:
  lbctl status                              is everything all right?
  lbctl get backends --rule web             the backends of one rule
  lbctl describe workers/worker-1           why did it refuse a configuration?
  lbctl get workers -w                      watch workers take a new configuration
  lbctl config validate /etc/lb/lb.yaml     check a file before it is used
  lbctl apply /etc/lb/lb.yaml               write it and use it; see also: lbctl plan FILE
  lbctl rollback                            the configuration before this one
  lbctl backend drain web/web-1 --wait      no new connections; wait for the open ones
  lbctl backend weight web/web-1 50%        half its share of new connections
  lbctl worker drain worker-1 --wait --yes  empty a worker before an upgrade

Exit codes: 0 done, 1 findings, 2 usage, 4 unreachable; all: lbctl help exit-codes)";

void AddGlobalFlags(CLI::App& app, CommandLine& line) {
  GlobalFlags& flags = line.flags;
  app.add_option("-e,--endpoint", flags.endpoints,
                 "unix:PATH of the admin socket, or HOST:PORT with mutual TLS; repeatable: the "
                 "first that answers (LBCTL_ENDPOINT; unix:/run/lb/admin.sock)")
      ->type_name("ADDRESS")
      ->allow_extra_args(false);
  AddText(app, "--context", flags.context, "NAME",
          "the context to take what is not given from (LBCTL_CONTEXT; the current one)");
  AddText(app, "--config", flags.config, "FILE", "the file with the contexts (LBCTL_CONFIG)");
  AddText(app, "--tls-ca", flags.tls_ca, "FILE",
          "authorities that the server's certificate must come from (LBCTL_TLS_CA)");
  AddText(app, "--tls-cert", flags.tls_cert, "FILE", "our certificate (LBCTL_TLS_CERT)");
  AddText(app, "--tls-key", flags.tls_key, "FILE", "its key (LBCTL_TLS_KEY)");
  AddText(app, "--tls-server-name", flags.tls_server_name, "NAME",
          "what the server's certificate names, where it is not HOST (LBCTL_TLS_SERVER_NAME)");
  AddText(app, "--timeout", flags.timeout, "DURATION",
          "limit of connecting and of each call (LBCTL_TIMEOUT; 5s)");
  AddText(app, "-o,--output", flags.output, "FORMAT",
          "table, wide, json, yaml, name or, for get, jsonpath=TEMPLATE");
  app.add_flag("--no-headers", flags.no_headers, "tables without their first line");
  AddText(app, "--color", flags.color, "WHEN", "auto, always or never");
  app.add_flag("--no-color", flags.no_color, "same as --color never (NO_COLOR)");
  app.add_flag("-q,--quiet", flags.quiet, "no hints and notes on stderr");
  app.add_flag("-v,--verbose", flags.verbose, "each call to the control plane on stderr");
  app.add_flag_callback(
      "--version", [&line] { line.command = Command::kShowVersion; }, "lbctl's version");
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
  drain->add_flag("--force", line.force, "also the last worker that accepts connections");
  CLI::App* undrain =
      Add(*worker, "undrain", Command::kWorkerUndrain, line, "accept connections again");
  undrain->add_option("NAME", line.name, "the worker");
  for (CLI::App* verb : {drain, undrain}) {
    verb->add_flag("--dry-run", line.dry_run, "check and show, change nothing");
    AddText(*verb, "--etag", line.etag, "ETAG", "only if it is as it was read: get -o json");
  }
}

void AddOperation(CLI::App& app, CommandLine& line) {
  CLI::App* group = AddGroup(app, "operation", "take back what goes on: drains and kills");
  group->group("Change");
  CLI::App* cancel = Add(*group, "cancel", Command::kOperationCancel, line,
                         "end a drain or a kill: what it drained is as before");
  cancel->add_option("NAME", line.name, "as 7 or operations/7; see lbctl get operations");
  cancel->add_flag("--dry-run", line.dry_run, "check and show, change nothing");
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

// Names of backends, and what every change of one can be told.
CLI::App* AddBackendVerb(CLI::App& parent, const char* name, Command command, CommandLine& line,
                         const char* description) {
  CLI::App* verb = Add(parent, name, command, line, description);
  verb->add_option("RULE/BACKEND", line.words, "the backends")->option_text(" ...");
  verb->add_flag("--dry-run", line.dry_run, "check and show, change nothing");
  AddText(*verb, "--etag", line.etag, "ETAG", "only if it is as it was read: get -o json");
  return verb;
}

void AddContext(CLI::App& app, CommandLine& line) {
  CLI::App* context = AddGroup(app, "context", "name control planes, and choose one");
  context->group("Other");
  Add(*context, "list", Command::kContextList, line, "all contexts; * is the current one");
  CLI::App* show =
      Add(*context, "show", Command::kContextShow, line, "where lbctl would ask, and why there");
  show->add_option("NAME", line.name, "of this context; none: the one that holds");
  CLI::App* use =
      Add(*context, "use", Command::kContextUse, line, "make a context the current one");
  use->add_option("NAME", line.name, "the context");
  CLI::App* set =
      Add(*context, "set", Command::kContextSet, line,
          "make or change a context: what is given by --endpoint, --tls-* and --timeout");
  set->add_option("NAME", line.name, "the context");
  set->footer("An empty value removes a setting: --tls-server-name ''");
  CLI::App* forget = Add(*context, "delete", Command::kContextDelete, line, "forget contexts");
  forget->add_option("NAME", line.words, "the contexts")->option_text(" ...");
  context->footer(
      "Kept in $XDG_CONFIG_HOME/lb/lbctl.yaml (~/.config/lb/lbctl.yaml), or in --config FILE.\n"
      "A flag stands before its variable, that before the context, that before the default.\n\n"
      "Examples:\n"
      "  lbctl context set prod --endpoint lb-1:9901 --endpoint lb-2:9901 --tls-ca ca.crt \\\n"
      "      --tls-cert me.crt --tls-key me.key\n"
      "  lbctl context use prod\n"
      "  lbctl --context test status");
}

void AddBackend(CLI::App& app, CommandLine& line) {
  CLI::App* backend =
      AddGroup(app, "backend", "take backends out of service and back, and weigh them");
  backend->group("Change");
  backend->footer(
      "What is set here is kept over reloads and restarts, until it is set anew or reset.\n\n"
      "Examples:\n"
      "  lbctl backend drain web/web-1 --wait\n"
      "  lbctl backend ready web/web-1\n"
      "  lbctl backend weight web/web-1 50%");
  CLI::App* drain = AddBackendVerb(*backend, "drain", Command::kBackendDrain, line,
                                   "no new connections; wait for open ones to end");
  AddText(*drain, "--timeout", line.drain_timeout, "DURATION", "stop waiting after this (5m)");
  drain->add_flag("--wait", line.wait, "return when it is drained");
  drain->add_flag("--close", line.close, "close what is still open at the timeout");
  CLI::App* maint = AddBackendVerb(*backend, "maint", Command::kBackendMaint, line,
                                   "no new connections, no health checks, no alerts");
  AddBackendVerb(*backend, "undrain", Command::kBackendUndrain, line, "take connections again");
  AddBackendVerb(*backend, "ready", Command::kBackendUndrain, line, "the same as undrain");
  CLI::App* weight = AddBackendVerb(*backend, "weight", Command::kBackendWeight, line,
                                    "another share of new connections: N, or N% of the configured");
  weight->add_flag("--reset", line.reset, "the configured weight again");
  AddBackendVerb(*backend, "reset", Command::kBackendReset, line,
                 "drop what was set: the configuration holds again");
  for (CLI::App* verb : {drain, maint, weight})
    verb->add_flag("--force", line.force, "also the last backend that serves its rule");
}

void AddConnections(CLI::App& app, CommandLine& line) {
  CLI::App* group = AddGroup(app, "connections", "look at open connections, and end them");
  group->group("Change");
  CLI::App* list = Add(*group, "list", Command::kConnectionsList, line,
                       "open connections over all workers, newest first");
  list->add_option("--limit", line.limit, "most that are shown (100; up to 1000)")
      ->type_name("N")
      ->take_last();
  CLI::App* kill = Add(*group, "kill", Command::kConnectionsKill, line,
                       "reset connections on both sides, a few at a time");
  kill->add_option("--rate", line.rate_per_s, "at most so many each second (500)")
      ->type_name("N")
      ->take_last();
  kill->add_flag("--all", line.all, "every connection of every rule");
  kill->add_flag("-y,--yes", line.yes, "do not ask");
  kill->add_flag("--dry-run", line.dry_run, "only tell how many match");
  for (CLI::App* verb : {list, kill}) {
    verb->add_option("--rule", line.rule, "of this rule")->type_name("RULE")->take_last();
    verb->add_option("--backend", line.backend, "to this backend")
        ->type_name("RULE/BACKEND")
        ->take_last();
    verb->add_option("--client", line.client, "from these addresses: 10.0.0.0/8")
        ->type_name("CIDR")
        ->take_last();
  }
}

void AddMemberKey(CLI::App& member, CommandLine& line) {
  CLI::App* key = AddGroup(member, "key", "change the key of the cluster on all members at once");
  key->group("Commands");
  Add(*key, "list", Command::kMemberKeyList, line,
      "which member has which keys, by fingerprint; * seals");
  CLI::App* add = Add(*key, "add", Command::kMemberKeyAdd, line, "have it open what others seal");
  CLI::App* use =
      Add(*key, "use", Command::kMemberKeyUse, line, "seal with one that all members have");
  CLI::App* remove =
      Add(*key, "remove", Command::kMemberKeyRemove, line, "open nothing with it any more");
  add->add_option("KEY", line.words, "base64 of 16, 24 or 32 bytes")->option_text(" ");
  for (CLI::App* verb : {use, remove})
    verb->add_option("KEY", line.words, "base64, or a fingerprint of key list")->option_text(" ");
  for (CLI::App* verb : {add, use, remove}) {
    verb->add_option("--key-file", line.key_file, "a file with the key alone; - is stdin")
        ->type_name("FILE")
        ->take_last();
    verb->add_flag("--dry-run", line.dry_run, "check and show whom it would ask");
  }
  key->footer(
      "A key on the command line is seen by other users of this host: take --key-file.\n"
      "What is set here holds over restarts, until cluster.key or key_file is edited.\n\n"
      "Examples, a rotation:\n"
      "  head -c 32 /dev/urandom | base64 > new.key\n"
      "  lbctl member key add --key-file new.key\n"
      "  lbctl member key use --key-file new.key\n"
      "  lbctl member key list\n"
      "  lbctl member key remove 1f2e3d4c");
}

void AddMember(CLI::App& app, CommandLine& line) {
  CLI::App* member = AddGroup(app, "member", "hosts of the cluster: who is there, whom to call");
  member->group("Change");
  CLI::App* list = Add(*member, "list", Command::kMemberList, line, "as lbctl get members");
  list->add_option("--sort-by", line.sort_by,
                   "by a column of -o wide, smallest first; COLUMN:desc for largest first")
      ->type_name("COLUMN")
      ->take_last();
  list->add_option("--filter", line.filter, "as 'state = FAILED'; see docs/api.md")
      ->type_name("EXPR")
      ->take_last();
  CLI::App* join =
      Add(*member, "join", Command::kMemberJoin, line, "call these once, beside cluster.peers");
  join->add_option("ADDRESS", line.words, "IP addresses, with a port where it is not ours")
      ->option_text("...");
  CLI::App* forget = Add(*member, "forget", Command::kMemberForget, line,
                         "list one that failed or left no more, and call it no more");
  forget->add_option("NAME", line.words, "as lb-2 or members/lb-2")->option_text("...");
  CLI::App* leave = Add(*member, "leave", Command::kMemberLeave, line,
                        "this host says good-bye and goes on alone, until it joins again");
  leave->add_flag("-y,--yes", line.yes, "do not ask");
  for (CLI::App* verb : {join, forget, leave})
    verb->add_flag("--dry-run", line.dry_run, "check and show, change nothing");
  AddMemberKey(*member, line);
}

void AddLogLevel(CLI::App& app, CommandLine& line) {
  CLI::App* group = AddGroup(app, "log-level", "log more or less for a while");
  group->group("Change");
  Add(*group, "get", Command::kLogLevelGet, line, "the level of every component");
  CLI::App* set = Add(*group, "set", Command::kLogLevelSet, line,
                      "error, warn, info, debug, trace, or default; returns by itself");
  set->add_option("COMPONENT LEVEL", line.words,
                  "controlplane, workers/NAME or workers/-, with /grpc "
                  "for gRPC's own lines; a level")
      ->option_text(" ");
  set->add_option("--for", line.duration, "when it returns (10m; up to 24h)")
      ->type_name("DURATION")
      ->take_last();
  set->add_flag("--dry-run", line.dry_run, "check and show, change nothing");
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
  AddLookCommands(app, line);
  AddConfigCommands(app, line);
  AddWorker(app, line);
  AddContext(app, line);
  AddTls(app, line);
  AddBackend(app, line);
  AddOperation(app, line);
  AddConnections(app, line);
  AddMember(app, line);
  AddLogLevel(app, line);
  CLI::App* version = Add(app, "version", Command::kVersion, line,
                          "versions of lbctl, the control plane and its workers");
  version->group("Other");
  version->add_flag("--client", line.client_only, "only lbctl's; asks nobody");
  CLI::App* completion = Add(app, "completion", Command::kCompletion, line,
                             "a script that makes a shell complete commands, flags and names");
  completion->add_option("SHELL", line.name, "bash, zsh or fish");
  completion->footer("Example:\n  source <(lbctl completion bash)");
  completion->group("Other");
  app.footer(kExamples);
}

}  // namespace lb::cli
