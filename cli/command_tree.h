// Internal to command_line.cc: the CLI11 tree and its help format.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_line.h"

namespace lb::cli {

// Adds all commands and flags to `app`; parsing writes to `line`.
void BuildTree(CLI::App& app, CommandLine& line);

// Help with the commands first, then flags, then examples.
class HelpFormat final : public CLI::Formatter {
 public:
  HelpFormat();
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_usage(const CLI::Option* option) const override;
};

}  // namespace lb::cli
