#include "cli/command_tree.h"

#include <memory>

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

void AddFilter(CLI::App& app, CommandLine& line) {
  app.add_option("--filter", line.filter,
                 "what the control plane is to pick, as 'connections > 100'; see docs/api.md")
      ->type_name("EXPR")
      ->take_last();
}

void AddEventFlags(CLI::App& app, CommandLine& line) {
  AddText(app, "--since", line.since, "DURATION", "events: what happened so long ago or later");
  app.add_option("--kind", line.kinds, "events: only backend.down, or backend for its family")
      ->type_name("KIND")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--resource", line.resource, "events: only of this and what is below: rules/web")
      ->type_name("NAME")
      ->take_last();
}

void AddLook(CLI::App& app, CommandLine& line) {
  CLI::App* status = Add(app, "status", Command::kStatus, line,
                         "control plane, workers, backends and alerts on one screen");
  status->add_flag("-w,--watch", line.watch, "ask again every second, until interrupted");
  status->add_flag("--check", line.check, "exit code 1 when there is any alert");
  CLI::App* get =
      Add(app, "get", Command::kGet, line, "list rules, backends, workers, operations or events");
  get->add_option("TYPE", line.words,
                  "rules (ru), backends (be), workers (wo) or operations (op), then names; or "
                  "TYPE/NAME; or events")
      ->option_text(" [NAME...]");
  get->add_option("--rule", line.rule, "only backends of this rule")
      ->type_name("RULE")
      ->take_last();
  get->add_option("--sort-by", line.sort_by,
                  "by a column of -o wide, smallest first; COLUMN:desc for largest first")
      ->type_name("COLUMN")
      ->take_last();
  AddFilter(*get, line);
  get->add_flag("-w,--watch", line.watch, "ask again every second, until interrupted");
  AddEventFlags(*get, line);
  get->footer(
      "Examples:\n"
      "  lbctl get rules\n"
      "  lbctl get backends/web/web-1 -o json\n"
      "  lbctl get be --rule web -o wide\n"
      "  lbctl get backends --sort-by conns:desc\n"
      "  lbctl get rules -o 'jsonpath={.items[*].name}'\n"
      "  lbctl get workers worker-1 worker-2 -w\n"
      "  lbctl get backends --filter 'health = UNHEALTHY AND connections > 0'\n"
      "  lbctl get operations --filter 'done = false'\n"
      "  lbctl get events --since 1h --filter 'attributes.author = alice'");
  CLI::App* describe = Add(app, "describe", Command::kDescribe, line,
                           "everything about one rule, backend, worker or operation");
  describe->add_option("TYPE/NAME", line.words, "as rules/web, backends/web/web-1, workers/w-1")
      ->option_text("...");
  describe->footer(
      "Examples:\n"
      "  lbctl describe rules/web\n"
      "  lbctl describe worker worker-1            why did it refuse its configuration?");
  CLI::App* watch = AddGroup(app, "watch", "follow what happens");
  CLI::App* events = Add(*watch, "events", Command::kWatchEvents, line,
                         "what happens, one line each, until interrupted");
  AddEventFlags(*events, line);
  AddFilter(*events, line);
  events->footer(
      "Goes on by itself, without loss or repetition, when the connection was cut.\n\n"
      "Examples:\n"
      "  lbctl watch events --since 10m\n"
      "  lbctl watch events --kind config,worker.refused -o json");
  CLI::App* wait = Add(app, "wait", Command::kWait, line,
                       "return when something is so: exit code 1 when not in time");
  wait->add_option("TYPE/NAME", line.words, "as backends/web/web-1; several of one type")
      ->option_text("...");
  wait->add_option("--for", line.condition,
                   "healthy (rules, backends; healthy=N backends of a rule), drained (backends, "
                   "workers), synced or connected (workers), done (operations)")
      ->type_name("CONDITION")
      ->take_last();
  AddText(*wait, "--timeout", line.drain_timeout, "DURATION", "give up after this (60s)");
  wait->footer(
      "Examples:\n"
      "  lbctl wait backends/web/web-1 --for=drained --timeout 5m\n"
      "  lbctl wait rules/web --for=healthy=2\n"
      "  lbctl wait operation/7                    exit code 1 when it failed or was cancelled");
  for (CLI::App* look : {status, get, describe, watch, wait}) look->group("Look");
}

void AddCheck(CLI::App& app, CommandLine& line) {
  CLI::App* check = Add(app, "check", Command::kCheck, line,
                        "what is wrong with this host, the configuration and what runs");
  check->add_flag("--pre", line.pre, "before lb is installed: asks nobody, tries to bind");
  check->add_option("--config", line.config, "the file to look at (that of the control plane)")
      ->type_name("FILE")
      ->take_last();
  check
      ->add_option("--only", line.only,
                   "kernel, descriptors, ports, configuration, versions, certificates, workers, "
                   "backends, api")
      ->type_name("CATEGORY,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  check->add_option("--fail-on", line.fail_on, "exit code 1 from this on: warning or error (error)")
      ->type_name("SEVERITY")
      ->take_last();
  AddText(*check, "--wait", line.wait_for, "DURATION",
          "try until nothing is found, so long at most");
  check->group("Look");
  check->footer(
      "Each finding has a code, as LBC301: docs/checks.md says what it means.\n\n"
      "Examples:\n"
      "  lbctl check --pre --config lb.yaml        is this host ready for lb?\n"
      "  lbctl check --only workers,backends --fail-on warning\n"
      "  lbctl check --wait 30s -o json            after an upgrade");
}

void AddDebug(CLI::App& app, CommandLine& line) {
  CLI::App* debug = AddGroup(app, "debug", "collect what helps to find a fault");
  debug->group("Other");
  CLI::App* bundle = Add(*debug, "bundle", Command::kDebugBundle, line,
                         "state, events, configuration, metrics and checks in one file");
  bundle->add_option("--out", line.out, "the file, never overwritten (lb-debug.tar.gz)")
      ->type_name("FILE")
      ->take_last();
  bundle->add_option("--duration", line.duration, "take what changes twice, so far apart")
      ->type_name("DURATION")
      ->take_last();
  bundle
      ->add_option("--metrics", line.metrics,
                   "another HOST:PORT or unix:PATH of /metrics; repeatable")
      ->type_name("ADDRESS")
      ->allow_extra_args(false);
  bundle->footer(
      "Secrets are hidden; addresses and names of your network are not. What could not be had\n"
      "stands with the reason in its manifest.json. Exit code 7 when the control plane did not\n"
      "answer: the file then has what this host says.\n\n"
      "Example:\n"
      "  lbctl debug bundle --out /tmp/lb-debug.tar.gz --duration 10s");
}

void AddTop(CLI::App& app, CommandLine& line) {
  CLI::App* top = Add(app, "top", Command::kTop, line,
                      "rules, backends or workers with their rates, live on the whole screen");
  top->add_option("TYPE", line.name, "rules (default), backends or workers");
  AddText(*top, "-i,--interval", line.interval, "DURATION", "time between two samples (1s)");
  top->add_flag("--once", line.once, "two samples, one table, for scripts");
  top->add_option("-n,--rows", line.rows, "most rows (as many as fit; 20 without a screen)")
      ->type_name("N");
  top->footer(
      "Keys: 1 2 3 or TAB what is shown, arrows choose, s sort, r reverse, / filter, p pause,\n"
      "d drain (asks first), Enter describe, ? help, q quit.\n"
      "-o json gives one object for each sample, until interrupted.\n\n"
      "Examples:\n"
      "  lbctl top backends\n"
      "  lbctl top rules --once -n 5\n"
      "  lbctl top workers -i 5s -o json");
  top->group("Look");
}

void AddConfigOnline(CLI::App& config, CommandLine& line) {
  CLI::App* get = Add(config, "get", Command::kConfigGet, line,
                      "the content of a revision; asks the control plane");
  get->add_option("REVISION", line.name, "as 7; none: the running one");
  Add(config, "list", Command::kConfigList, line, "the last revisions; asks the control plane");
  CLI::App* diff = Add(config, "diff", Command::kConfigDiff, line,
                       "two revisions compared; asks the control plane");
  diff->add_option("REVISION", line.words, "the older and the newer one")->option_text(" A B");
}

void AddConfig(CLI::App& app, CommandLine& line) {
  CLI::App* config =
      AddGroup(app, "config", "check and explain configuration files, show revisions");
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
  AddConfigOnline(*config, line);
}

void AddWait(CLI::App& app, CommandLine& line) {
  AddText(app, "--wait", line.wait_for, "DURATION", "wait until each worker has answered");
}

void AddRollback(CLI::App& app, const char* name, CommandLine& line) {
  CLI::App* rollback = Add(app, name, Command::kRollback, line,
                           "apply an older revision again; none: the one before");
  rollback->add_option("REVISION", line.name, "as 7 or configs/7; see lbctl config list");
  rollback->add_option("--to", line.name, "the same")->type_name("REVISION");
  AddText(*rollback, "-m,--message", line.message, "TEXT", "why; kept with the revision");
  rollback->add_flag("--dry-run", line.dry_run, "check and show only");
  rollback->add_flag("-y,--yes", line.yes, "do not ask");
  AddWait(*rollback, line);
  if (app.get_parent() == nullptr) rollback->group("Change");
}

void AddApply(CLI::App& app, CommandLine& line) {
  CLI::App* apply = Add(app, "apply", Command::kApply, line, "write a configuration and use it");
  apply->add_option("FILE", line.name, "the new configuration; - is standard input");
  apply->add_flag("--dry-run", line.dry_run, "check and show only");
  AddText(*apply, "--confirm", line.confirm, "DURATION",
          "roll back by itself unless lbctl confirm comes in time");
  AddText(*apply, "--max-connect-failures", line.max_failures, "RATIO",
          "with --confirm: roll back at once when more connects fail, as 0.1");
  AddText(*apply, "--etag", line.etag, "ETAG", "only if this revision runs");
  AddText(*apply, "--if-revision", line.if_revision, "REVISION", "only if this revision runs");
  AddText(*apply, "-m,--message", line.message, "TEXT", "why; kept with the revision");
  apply->add_flag("--strict", line.strict, "warnings fail too");
  AddWait(*apply, line);
  apply->add_flag("--detailed-exitcode", line.detailed_exitcode,
                  "exit code 1 when something changed");
  apply->footer(
      "Examples:\n"
      "  lbctl apply lb.yaml --if-revision 7 -m 'two more backends' --wait 30s\n"
      "  lbctl apply lb.yaml --confirm 60s && check-it && lbctl confirm");
  CLI::App* plan = Add(app, "plan", Command::kPlan, line,
                       "what a configuration would change, and do to connections");
  plan->add_option("FILE", line.name, "the configuration; - is standard input");
  CLI::App* diff = Add(app, "diff", Command::kDiff, line,
                       "as plan; exit code 1 when the file differs from what runs");
  diff->add_option("FILE", line.name, "the configuration; - is standard input");
  CLI::App* confirm =
      Add(app, "confirm", Command::kConfirm, line, "keep what was applied with --confirm");
  confirm->add_option("REVISION", line.name, "only if it is this one that waits");
  for (CLI::App* change : {apply, plan, diff, confirm}) change->group("Change");
  AddRollback(app, "rollback", line);
  CLI::App* rollout = AddGroup(app, "rollout", "how far a revision came, and back");
  rollout->group("Change");
  CLI::App* status = Add(*rollout, "status", Command::kRolloutStatus, line,
                         "what each worker said to the running revision");
  AddWait(*status, line);
  status->footer("Exit code 1 when a worker refused it, or did not answer in time.");
  Add(*rollout, "history", Command::kConfigList, line, "the last revisions");
  AddRollback(*rollout, "undo", line);
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
  for (CLI::App* verb : {drain, undrain})
    AddText(*verb, "--etag", line.etag, "ETAG", "only if it is as it was read: get -o json");
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
  AddLook(app, line);
  AddCheck(app, line);
  AddTop(app, line);
  AddConfig(app, line);
  AddApply(app, line);
  AddWorker(app, line);
  AddContext(app, line);
  AddTls(app, line);
  AddBackend(app, line);
  AddOperation(app, line);
  AddConnections(app, line);
  AddLogLevel(app, line);
  AddDebug(app, line);
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
