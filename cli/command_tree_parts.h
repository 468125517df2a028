// Parts of the command tree that several nouns share, and the function of each group of nouns.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "cli/command_line.h"

namespace lb::cli {

// A flag with a text, which counts once.
CLI::Option* AddText(CLI::App& app, const char* names, std::optional<std::string>& target,
                     const char* type, const char* description);
// A command; `line.command` becomes `command` when it is the one.
CLI::App* Add(CLI::App& parent, const char* name, Command command, CommandLine& line,
              const char* description);
// A word that has commands below it.
CLI::App* AddGroup(CLI::App& parent, const char* name, const char* description);
// --wait
void AddWait(CLI::App& app, CommandLine& line);

// status, get, describe, watch, wait, explain, cert, top, check, debug.
void AddLookCommands(CLI::App& app, CommandLine& line);
// config, plan, diff, apply, confirm, rollback, rollout.
void AddConfigCommands(CLI::App& app, CommandLine& line);

}  // namespace lb::cli
