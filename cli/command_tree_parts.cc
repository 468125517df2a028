#include "cli/command_tree_parts.h"

namespace lb::cli {

CLI::Option* AddText(CLI::App& app, const char* names, std::optional<std::string>& target,
                     const char* type, const char* description) {
  return app
      .add_option_function<std::string>(
          names, [&target](const std::string& value) { target = value; }, description)
      ->type_name(type)
      ->take_last();
}

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

void AddWait(CLI::App& app, CommandLine& line) {
  AddText(app, "--wait", line.wait_for, "DURATION", "wait until each worker has answered");
}

}  // namespace lb::cli
