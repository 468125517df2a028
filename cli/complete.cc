#include "cli/complete.h"

#include <CLI/CLI.hpp>

#include "cli/command_tree.h"

namespace lb::cli {
namespace {

// What was said before the word that is being written.
struct Place {
  CLI::App* app;                         // The innermost command.
  const CLI::Option* option = nullptr;   // Whose value is being written.
  std::vector<std::string> positionals;  // Words that are neither command nor flag.
};

const CLI::Option* FindFlag(const CLI::App* app, const std::string& word) {
  for (; app != nullptr; app = app->get_parent())
    if (const CLI::Option* option = app->get_option_no_throw(word); option != nullptr)
      return option;
  return nullptr;
}

CLI::App* FindCommand(const CLI::App* app, const std::string& word) {
  for (const CLI::App* command : app->get_subcommands(nullptr))
    if (command->get_name() == word) return const_cast<CLI::App*>(command);
  return nullptr;
}

// Keeps what the line says about where to ask.
void TakeFlag(const CLI::Option& option, const std::string& value, GlobalFlags& flags) {
  if (option.check_lname("endpoint")) flags.endpoints.push_back(value);
  if (option.check_lname("context")) flags.context = value;
  if (option.check_lname("config")) flags.config = value;
  if (option.check_lname("tls-ca")) flags.tls_ca = value;
  if (option.check_lname("tls-cert")) flags.tls_cert = value;
  if (option.check_lname("tls-key")) flags.tls_key = value;
  if (option.check_lname("tls-server-name")) flags.tls_server_name = value;
}

// Walks all words but the last.
Place Walk(CLI::App& root, const std::vector<std::string>& words, GlobalFlags& flags) {
  Place place{&root, nullptr, {}};
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (place.option != nullptr) {
      TakeFlag(*place.option, word, flags);
      place.option = nullptr;
    } else if (word.size() > 1 && word[0] == '-') {
      const size_t equals = word.find('=');
      const CLI::Option* option = FindFlag(place.app, word.substr(0, equals));
      const bool takes_value = option != nullptr && option->get_type_size() > 0;
      if (takes_value && equals != std::string::npos)
        TakeFlag(*option, word.substr(equals + 1), flags);
      else if (takes_value)
        place.option = option;
    } else if (CLI::App* command = FindCommand(place.app, word);
               command != nullptr && place.positionals.empty()) {
      place.app = command;
    } else {
      place.positionals.push_back(word);
    }
  }
  return place;
}

void AddFlags(const CLI::App* app, Completion& completion) {
  for (; app != nullptr; app = app->get_parent())
    for (const CLI::Option* option : app->get_options())
      for (const std::string& name : option->get_lnames()) completion.words.push_back("--" + name);
}

// What `wait --for` may be of a type; all of it when the type is not said yet.
std::vector<std::string> ConditionsOf(const Place& place) {
  const std::string word = place.positionals.empty() ? "" : place.positionals[0];
  const auto selection = ParseSelection({word.substr(0, word.find('/'))}, "");
  if (!selection.ok()) return {"healthy", "drained", "synced", "connected", "done"};
  switch (selection->type) {
    case Type::kRule:
      return {"healthy"};
    case Type::kBackend:
      return {"healthy", "drained"};
    case Type::kWorker:
      return {"drained", "synced", "connected"};
    default:
      return {"done"};
  }
}

void CompleteValue(const CLI::Option& option, const Place& place, Completion& completion) {
  if (option.check_lname("output")) {
    completion.words = {"table", "wide", "json", "yaml", "name"};
  } else if (option.check_lname("color")) {
    completion.words = {"auto", "always", "never"};
  } else if (option.check_lname("context")) {
    completion.contexts = true;
  } else if (option.check_lname("rule")) {
    completion.names = Type::kRule;
  } else if (option.check_lname("backend")) {
    completion.names = Type::kBackend;
  } else if (option.check_lname("for") && place.app->get_name() == "wait") {
    completion.words = ConditionsOf(place);
  }
}

// The last word when it is "--flag=": its value is being written. False: it is another.
bool CompleteAssigned(const Place& place, const std::string& last, Completion& completion) {
  const size_t equals = last.find('=');
  if (last.empty() || last[0] != '-' || equals == std::string::npos) return false;
  const CLI::Option* option = FindFlag(place.app, last.substr(0, equals));
  if (option == nullptr) return false;
  CompleteValue(*option, place, completion);
  completion.prefix = last.substr(0, equals + 1);
  return true;
}

// The words after `log-level set`: a component, then a level.
void CompleteLogLevel(const Place& place, const std::string& last, Completion& completion) {
  if (place.positionals.size() == 1)
    completion.words = {"error", "warn", "info", "debug", "trace", "default"};
  if (!place.positionals.empty()) return;
  completion.words = {"controlplane", "controlplane/grpc", "workers/-", "workers/-/grpc"};
  if (last.rfind("workers/", 0) != 0) return;
  completion.names = Type::kWorker;
  completion.typed = true;
}

// The words after `get` and `describe`: a type or TYPE/NAME, then names.
void CompleteSelection(const Place& place, const std::string& last, Completion& completion) {
  const size_t slash = last.find('/');
  const bool first = place.positionals.empty();
  if (first && slash == std::string::npos) {
    for (const Type type :
         {Type::kRule, Type::kBackend, Type::kWorker, Type::kOperation, Type::kMember})
      completion.words.push_back(Plural(type));
    if (place.app->get_name() == "get")
      completion.words.insert(completion.words.end(), {"events", "limits", "clients"});
    return;
  }
  const std::string& word = first ? last : place.positionals[0];
  const auto selection = ParseSelection({word.substr(0, word.find('/'))}, "");
  if (!selection.ok()) return;
  completion.names = selection->type;
  completion.typed = word.find('/') != std::string::npos;
}

}  // namespace

Completion Complete(const std::vector<std::string>& words) {
  Completion completion;
  if (words.empty()) return completion;
  CLI::App root;
  CommandLine line;
  BuildTree(root, line);
  const Place place = Walk(root, words, completion.flags);
  const std::string& last = words.back();
  const std::string command = place.app->get_name();
  if (place.option != nullptr) {
    CompleteValue(*place.option, place, completion);
  } else if (CompleteAssigned(place, last, completion)) {
    return completion;
  } else if (!last.empty() && last[0] == '-') {
    AddFlags(place.app, completion);
  } else if (!place.app->get_subcommands(nullptr).empty()) {
    for (const CLI::App* next : place.app->get_subcommands(nullptr))
      completion.words.push_back(next->get_name());
  } else if ((command == "get" && place.app->get_parent() == &root) || command == "describe" ||
             command == "wait") {
    CompleteSelection(place, last, completion);
  } else if (place.app->get_parent()->get_name() == "backend") {
    completion.names = Type::kBackend;
  } else if (place.app->get_parent()->get_name() == "worker" && place.positionals.empty()) {
    completion.names = Type::kWorker;
  } else if (place.app->get_parent()->get_name() == "operation" && place.positionals.empty()) {
    completion.names = Type::kOperation;
  } else if (place.app->get_parent()->get_name() == "member" && command == "forget") {
    completion.names = Type::kMember;
  } else if (place.app->get_parent()->get_name() == "context") {
    completion.contexts = command != "list" && (command == "delete" || place.positionals.empty());
  } else if (place.app->get_parent()->get_name() == "log-level" && command == "set") {
    CompleteLogLevel(place, last, completion);
  } else if (command == "confirm" || command == "rollback" || command == "undo" ||
             (place.app->get_parent()->get_name() == "config" &&
              (command == "get" || command == "diff"))) {
    completion.revisions =
        command == "diff" ? place.positionals.size() < 2 : place.positionals.empty();
  } else if (command == "top" && place.positionals.empty()) {
    completion.words = {"rules", "backends", "workers"};
  } else if (command == "completion" && place.positionals.empty()) {
    completion.words = {"bash", "zsh", "fish"};
  }
  return completion;
}

}  // namespace lb::cli
