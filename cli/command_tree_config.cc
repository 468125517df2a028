#include "cli/command_tree_parts.h"

namespace lb::cli {
namespace {

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

void AddForce(CLI::App& change, CommandLine& line) {
  change.add_flag("--force", line.force,
                  "also over an edit of the file that was refused; it is kept as FILE.refused");
}

void AddRollback(CLI::App& app, const char* name, CommandLine& line) {
  CLI::App* rollback = Add(app, name, Command::kRollback, line,
                           "apply an older revision again; none: the one before");
  rollback->add_option("REVISION", line.name, "as 7 or configs/7; see lbctl config list");
  rollback->add_option("--to", line.name, "the same")->type_name("REVISION");
  AddText(*rollback, "-m,--message", line.message, "TEXT", "why; kept with the revision");
  rollback->add_flag("--dry-run", line.dry_run, "check and show only");
  rollback->add_flag("-y,--yes", line.yes, "do not ask");
  AddForce(*rollback, line);
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
  AddForce(*apply, line);
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
  confirm->add_flag("--dry-run", line.dry_run, "check and show only");
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

}  // namespace

void AddConfigCommands(CLI::App& app, CommandLine& line) {
  AddConfig(app, line);
  AddApply(app, line);
}

}  // namespace lb::cli
