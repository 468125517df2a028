#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/command_tree.h"
#include "cli/exit_code.h"
#include "cli/habits.h"
#include "cli/suggest.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

// The innermost command that was given.
const CLI::App* Innermost(const CLI::App* app) {
  while (!app->get_subcommands().empty()) app = app->get_subcommands().back();
  return app;
}

// "lbctl config validate".
std::string FullName(const CLI::App* app) {
  const std::string name = app->get_name();
  return app->get_parent() == nullptr ? name : FullName(app->get_parent()) + " " + name;
}

std::string SeeHelp(const CLI::App* app) { return absl::StrCat("see: ", FullName(app), " --help"); }

std::vector<std::string> CommandNames(const CLI::App* app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app->get_subcommands(nullptr))
    names.push_back(command->get_name());
  return names;
}

// The flags that `app` understands, its own and those of the commands around it.
std::vector<std::string> FlagNames(const CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent())
    for (const CLI::Option* option : app->get_options())
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

absl::Status Unexpected(const CLI::App* app, const std::string& word) {
  const bool flag = word.size() > 1 && word[0] == '-';
  const bool command = !flag && !CommandNames(app).empty();
  const std::string bare = word.substr(0, word.find('='));
  std::string hint = flag      ? DidYouMean(bare, FlagNames(app))
                     : command ? DidYouMean(word, CommandNames(app))
                               : "";
  if (const std::string habit = HintForHabit(FullName(app), bare); !habit.empty()) hint = habit;
  const char* what = flag ? "unknown flag '" : command ? "unknown command '" : "unexpected '";
  return UsageError(
      absl::StrCat(what, Escape(flag ? bare : word), "'", hint.empty() ? "" : "; ", hint),
      SeeHelp(app));
}

// CLI11 says "--timeout: 1 required DURATION missing", "Could not convert: --client = maybe".
absl::Status Rewrite(const CLI::App* app, const CLI::ParseError& error) {
  const std::string text = error.what();
  const size_t begin = std::min(text.find('-'), text.size());
  const std::string flag = Escape(text.substr(begin, text.find_first_of(" :=", begin) - begin));
  if (flag.empty())
    return UsageError(absl::StrCat("cannot understand: ", Escape(text)), SeeHelp(app));
  const bool missing = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ArgumentMismatch);
  return UsageError(absl::StrCat(flag, missing ? " needs a value" : " takes no value"),
                    SeeHelp(app));
}

// What a command cannot do without.
absl::Status CheckComplete(const CLI::App* app, const CommandLine& line) {
  const bool incomplete = !CommandNames(app).empty();
  if (incomplete && line.command == Command::kHelp)
    return UsageError("a command is missing", SeeHelp(app));
  const bool needs_worker =
      line.command == Command::kWorkerDrain || line.command == Command::kWorkerUndrain;
  if (needs_worker && line.name.empty())
    return UsageError("the worker's NAME is missing", "see: lbctl get workers");
  if (line.command == Command::kTlsGenerateCert && line.words.size() != 2)
    return UsageError("ROLE and NAME are needed, nothing else", SeeHelp(app));
  if (line.command == Command::kCompletion && line.name.empty())
    return UsageError("SHELL is missing: bash, zsh or fish", SeeHelp(app));
  if (line.command == Command::kDescribe && line.words.empty())
    return UsageError("TYPE/NAME is missing, as rules/web", SeeHelp(app));
  if (line.command == Command::kWait && line.words.empty())
    return UsageError("TYPE/NAME is missing, as operation/7", SeeHelp(app));
  const bool names_context =
      line.command == Command::kContextUse || line.command == Command::kContextSet;
  if (names_context && line.name.empty())
    return UsageError("the context's NAME is missing", "see: lbctl context list");
  if (line.command == Command::kContextDelete && line.words.empty())
    return UsageError("the context's NAME is missing", "see: lbctl context list");
  if (line.check && line.watch)
    return UsageError("--check asks once, --watch until interrupted: use one", SeeHelp(app));
  if (line.command == Command::kCertInspect && line.name.empty())
    return UsageError("FILE is missing; - is standard input", SeeHelp(app));
  if (line.command == Command::kConfigValidate && line.name.empty())
    return UsageError("FILE is missing; - is standard input", SeeHelp(app));
  return absl::OkStatus();
}

// Whether each word behind `help` is a command of the one before.
absl::Status CheckHelp(const CLI::App& root, int argc, const char* const* argv) {
  if (argc < 2 || std::string(argv[1]) != "help") return absl::OkStatus();
  const CLI::App* app = &root;
  for (int i = 2; i < argc; ++i) {
    const std::vector<const CLI::App*> below =
        app->get_subcommands([&](const CLI::App* command) { return command->check_name(argv[i]); });
    if (below.empty() && argv[i][0] != '-') return Unexpected(app, argv[i]);
    if (!below.empty()) app = below[0];
  }
  return absl::OkStatus();
}

// `lbctl help COMMAND...` is `lbctl COMMAND... --help`, which is all that CLI11 knows.
std::vector<std::string> Arguments(int argc, const char* const* argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words[0] == "help") {
    words.erase(words.begin());
    words.push_back("--help");
  }
  std::reverse(words.begin(), words.end());  // As CLI11 takes them.
  return words;
}

}  // namespace

absl::Status ParseCommandLine(int argc, const char* const* argv, CommandLine& line) {
  if (argc == 3 && std::string(argv[1]) == "help" && std::string(argv[2]) == "exit-codes") {
    line.help = ExitCodeHelp();
    return absl::OkStatus();
  }
  CLI::App app;
  BuildTree(app, line);
  LB_RETURN_IF_ERROR(CheckHelp(app, argc, argv));
  try {
    app.parse(Arguments(argc, argv));
  } catch (const CLI::CallForHelp&) {
    line.command = Command::kHelp;
    const CLI::App* about = Innermost(&app);
    const CLI::App* parent = about->get_parent();
    line.help = about->help(parent == nullptr ? "" : FullName(parent));
    return absl::OkStatus();
  } catch (const CLI::ParseError& error) {
    return Rewrite(Innermost(&app), error);
  }
  const std::vector<std::string> extras = app.remaining(true);
  if (!extras.empty()) return Unexpected(Innermost(&app), extras[0]);
  if (line.command == Command::kShowVersion) return absl::OkStatus();
  return CheckComplete(Innermost(&app), line);
}

}  // namespace lb::cli
