#include "cli/command_tree_parts.h"

namespace lb::cli {
namespace {

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

CLI::App* AddGet(CLI::App& app, CommandLine& line) {
  CLI::App* get =
      Add(app, "get", Command::kGet, line,
          "list rules, backends, workers, operations, members, events, limits or clients");
  get->add_option("TYPE", line.words,
                  "rules (ru), backends (be), workers (wo), operations (op) or members (me), then "
                  "names; or TYPE/NAME; or events, limits or clients")
      ->option_text(" [NAME...]");
  get->add_option("--rule", line.rule, "only backends, limits or clients of this rule")
      ->type_name("RULE")
      ->take_last();
  get->add_option("--sort-by", line.sort_by,
                  "by a column of -o wide, smallest first; COLUMN:desc for largest first; "
                  "clients: connects or bytes")
      ->type_name("COLUMN")
      ->take_last();
  get->add_option("--top", line.limit, "clients: at most so many, the busiest (20; up to 1000)")
      ->type_name("N")
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
      "  lbctl get events --since 1h --filter 'attributes.author = alice'\n"
      "  lbctl get limits\n"
      "  lbctl get clients --top 10 --rule web     who connects most, who is refused\n"
      "  lbctl get clients --sort-by bytes         who moves most under a bandwidth limit");
  return get;
}

void AddLook(CLI::App& app, CommandLine& line) {
  CLI::App* status = Add(app, "status", Command::kStatus, line,
                         "control plane, workers, backends and alerts on one screen");
  status->add_flag("-w,--watch", line.watch, "ask again every second, until interrupted");
  status->add_flag("--check", line.check, "exit code 1 when there is any alert");
  CLI::App* get = AddGet(app, line);
  CLI::App* describe = Add(app, "describe", Command::kDescribe, line,
                           "everything about one rule, backend, worker, operation or member");
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

void AddExplain(CLI::App& app, CommandLine& line) {
  CLI::App* explain = Add(app, "explain", Command::kExplain, line,
                          "what a client's next connection would meet, and where it would go");
  explain->group("Look");
  explain->add_option("--rule", line.rule, "that it connects to")->type_name("RULE")->take_last();
  explain->add_option("--client", line.client, "its IP address")->type_name("ADDRESS")->take_last();
  explain->add_option("--via", line.via, "the proxy that names the client in a PROXY header")
      ->type_name("ADDRESS")
      ->take_last();
  explain->add_option("--sni", line.sni, "the name that it asks for in its ClientHello")
      ->type_name("NAME")
      ->take_last();
  explain->footer(
      "Takes nothing from any limit. Exit code 1 when the connection would be refused; 0 when it\n"
      "would go through, wait in the queue, or nobody can tell yet.\n\n"
      "Examples:\n"
      "  lbctl explain --rule web --client 10.1.2.3\n"
      "  lbctl explain --rule web --client 203.0.113.9 --via 10.0.0.5\n"
      "  lbctl explain --rule tls --client 10.1.2.3 --sni www.example.com");
}

void AddCert(CLI::App& app, CommandLine& line) {
  CLI::App* cert =
      AddGroup(app, "cert", "certificates that rules use: what they are, when they end");
  cert->group("Look");
  CLI::App* list = Add(*cert, "list", Command::kCertList, line,
                       "files of TLS in force: certificates, authorities, revocation lists");
  list->add_option("--sort-by", line.sort_by,
                   "by a column of -o wide, smallest first; COLUMN:desc for largest first")
      ->type_name("COLUMN")
      ->take_last();
  AddFilter(*list, line);
  CLI::App* check = Add(*cert, "check", Command::kCertCheck, line,
                        "which are refused, expired or end soon: exit code 1 when there is any");
  check
      ->add_option("--within", line.within,
                   "what ends earlier is found: 30d, 12h (what is EXPIRING)")
      ->type_name("DURATION")
      ->take_last();
  CLI::App* inspect = Add(*cert, "inspect", Command::kCertInspect, line,
                          "what is in a file on this host; asks nobody");
  inspect->add_option("FILE", line.name, "PEM, a certificate and those that signed it; -: stdin");
  cert->footer(
      "Examples:\n"
      "  lbctl cert list --sort-by expires\n"
      "  lbctl cert list --filter 'state = EXPIRING' -o json\n"
      "  lbctl cert check --within 30d             the exit code says it to a script\n"
      "  lbctl cert inspect /etc/lb/tls/web.pem    before it is put in place");
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

}  // namespace

void AddLookCommands(CLI::App& app, CommandLine& line) {
  AddLook(app, line);
  AddExplain(app, line);
  AddCert(app, line);
  AddCheck(app, line);
  AddTop(app, line);
  AddDebug(app, line);
}

}  // namespace lb::cli
