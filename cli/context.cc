#include "cli/context.h"

#include <boost/json.hpp>
#include <filesystem>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "cli/json.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

// What -o and the like say, without a context: these commands are about the file itself.
absl::StatusOr<Globals> ResolveHere(const GlobalFlags& flags, const GetEnv& get_env) {
  LB_ASSIGN_OR_RETURN(const Globals globals, Resolve(flags, get_env, StdoutIsTty()));
  if (globals.output == Output::kJsonPath) return UsageError("-o jsonpath is for get");
  return globals;
}

void Print(const Globals& globals, const boost::json::value& value) {
  WriteOut(globals.output == Output::kJson ? ToPrettyJson(value) : ToYaml(value));
}

bool IsStructured(const Globals& globals) {
  return globals.output == Output::kJson || globals.output == Output::kYaml;
}

std::string Setting(const Context& context, const char* key) {
  const auto found = context.find(key);
  return found == context.end() ? "" : found->second;
}

// The flag of a key, as it was given.
std::optional<std::string> FlagOf(const GlobalFlags& flags, std::string_view key) {
  if (key == "tls_ca") return flags.tls_ca;
  if (key == "tls_cert") return flags.tls_cert;
  if (key == "tls_key") return flags.tls_key;
  if (key == "tls_server_name") return flags.tls_server_name;
  if (key == "timeout") return flags.timeout;
  if (flags.endpoints.empty()) return std::nullopt;
  return absl::StrJoin(flags.endpoints, ",");
}

// What `Resolve` took for a key.
std::string Held(const Globals& globals, std::string_view key) {
  const Endpoints& endpoints = globals.endpoints;
  if (key == "tls_ca") return endpoints.tls.ca;
  if (key == "tls_cert") return endpoints.tls.cert;
  if (key == "tls_key") return endpoints.tls.key;
  if (key == "tls_server_name") return endpoints.tls_server_name;
  if (key == "timeout") {
    const int64_t ms = globals.timeout.count();
    return ms % 1'000 == 0 ? absl::StrCat(ms / 1'000, "s") : absl::StrCat(ms, "ms");
  }
  return absl::StrJoin(endpoints, ",");
}

std::string OriginOf(const ContextKey& key, const GlobalFlags& flags, const GetEnv& get_env,
                     const ChosenContext& chosen) {
  if (FlagOf(flags, key.key)) return key.flag;
  if (!get_env(key.variable).value_or("").empty()) return key.variable;
  if (chosen.settings.count(key.key) > 0) return absl::StrCat("context ", chosen.name);
  return "default";
}

// The new value of one key of a context, from its flag.
absl::Status Set(const ContextKey& key, const std::string& value, Context& context) {
  if (value.empty()) {
    context.erase(key.key);
    return absl::OkStatus();
  }
  if (const absl::Status good = CheckContextValue(key.key, value); !good.ok())
    return UsageError(absl::StrCat(key.flag, ": ", good.message()));
  // A path said in a shell is relative to where that shell is.
  context[key.key] =
      key.path ? std::filesystem::absolute(value).lexically_normal().string() : value;
  return absl::OkStatus();
}

void Note(const Globals& globals, const std::string& text) {
  if (!globals.quiet) WriteErr(text);
}

}  // namespace

absl::StatusOr<ExitCode> RunContextList(const GlobalFlags& flags, const GetEnv& get_env) {
  LB_ASSIGN_OR_RETURN(const Globals globals, ResolveHere(flags, get_env));
  const ContextPath path = FindContextPath(flags, get_env);
  LB_ASSIGN_OR_RETURN(const ContextFile file, LoadContexts(path));
  Table table({{"CURRENT"}, {"NAME"}, {"ENDPOINT"}, {"TLS-CERT"}, {"TIMEOUT"}});
  boost::json::array items;
  std::string names;
  for (const auto& [name, context] : file.contexts) {
    const bool current = name == file.current;
    table.Add({{current ? "*" : " "},
               {name},
               {Setting(context, "endpoint")},
               {Setting(context, "tls_cert")},
               {Setting(context, "timeout")}});
    boost::json::object item = {{"name", name}, {"current", current}};
    for (const auto& [key, value] : context) item[key] = value;
    items.push_back(std::move(item));
    absl::StrAppend(&names, name, "\n");
  }
  if (IsStructured(globals)) {
    Print(globals, boost::json::object{{"kind", "ContextList"}, {"items", std::move(items)}});
    return ExitCode::kDone;
  }
  if (globals.output == Output::kName) {
    WriteOut(names);
  } else if (!file.contexts.empty()) {
    WriteOut(
        table.Render({globals.headers, globals.color, StdoutIsTty() ? StdoutSize().columns : 0}));
  }
  if (file.contexts.empty())
    Note(globals, absl::StrCat("no contexts in ", Escape(path.path),
                               "; make one: lbctl context set NAME --endpoint ADDRESS\n"));
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> RunContextShow(GlobalFlags flags, const GetEnv& get_env,
                                        const std::string& name) {
  if (!name.empty()) flags.context = name;
  LB_ASSIGN_OR_RETURN(const ChosenContext chosen, ChooseContext(flags, get_env));
  LB_ASSIGN_OR_RETURN(const Globals globals, ResolveHere(flags, WithContext(get_env, chosen)));
  Table table({{"SETTING"}, {"VALUE"}, {"FROM"}});
  boost::json::object settings;
  for (const ContextKey& key : ContextKeys()) {
    const std::string value = Held(globals, key.key);
    const std::string origin = OriginOf(key, flags, get_env, chosen);
    table.Add({{key.key}, {value}, {origin}});
    settings[key.key] = {{"value", value}, {"from", origin}};
  }
  if (IsStructured(globals)) {
    Print(globals, boost::json::object{{"kind", "Context"},
                                       {"name", chosen.name},
                                       {"file", chosen.path.path},
                                       {"settings", std::move(settings)}});
  } else if (globals.output == Output::kName) {
    WriteOut(chosen.name.empty() ? "" : chosen.name + "\n");
  } else {
    WriteOut(absl::StrCat(
        chosen.name.empty() ? "no context" : "context " + chosen.name, "\n",
        table.Render({globals.headers, globals.color, StdoutIsTty() ? StdoutSize().columns : 0})));
  }
  Note(globals, OverriddenNote(flags, get_env, chosen));
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> RunContextUse(const GlobalFlags& flags, const GetEnv& get_env,
                                       const std::string& name) {
  LB_ASSIGN_OR_RETURN(const Globals globals, ResolveHere(flags, get_env));
  const ContextPath path = FindContextPath(flags, get_env);
  LB_RETURN_IF_ERROR(ChangeContexts(path, [&](ContextFile& file) -> absl::Status {
    if (file.contexts.count(name) == 0) return NoSuchContext(name, file, path.path);
    file.current = name;
    return absl::OkStatus();
  }));
  WriteOut(absl::StrCat("context ", name, " is the current one\n"));
  const std::string variable = get_env("LBCTL_CONTEXT").value_or("");
  if (!variable.empty() && variable != name)
    Note(globals,
         absl::StrCat("note: LBCTL_CONTEXT is set and stands before it: ", Escape(variable), "\n"));
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> RunContextSet(const GlobalFlags& flags, const GetEnv& get_env,
                                       const std::string& name) {
  LB_ASSIGN_OR_RETURN(const Globals globals, ResolveHere(flags, get_env));
  LB_RETURN_IF_ERROR(CheckContextName(name));
  bool given = false;
  for (const ContextKey& key : ContextKeys()) given = given || FlagOf(flags, key.key).has_value();
  if (!given)
    return UsageError("nothing to set",
                      "as: lbctl context set prod --endpoint lb-1:9901 --tls-ca ca.crt");
  bool made = false;
  bool current = false;
  const auto change = [&](ContextFile& file) -> absl::Status {
    made = file.contexts.count(name) == 0;
    if (made && file.contexts.size() == kContextsMax)
      return UsageError(absl::StrCat("there are ", kContextsMax, " contexts already"));
    Context& context = file.contexts[name];
    for (const ContextKey& key : ContextKeys())
      if (const std::optional<std::string> value = FlagOf(flags, key.key))
        LB_RETURN_IF_ERROR(Set(key, *value, context));
    current = file.current == name;
    return absl::OkStatus();
  };
  LB_RETURN_IF_ERROR(ChangeContexts(FindContextPath(flags, get_env), change));
  WriteOut(absl::StrCat("context ", name, made ? " is made\n" : " is changed\n"));
  if (!current) Note(globals, absl::StrCat("Use it: lbctl context use ", name, "\n"));
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> RunContextDelete(const GlobalFlags& flags, const GetEnv& get_env,
                                          const std::vector<std::string>& names) {
  LB_ASSIGN_OR_RETURN(const Globals globals, ResolveHere(flags, get_env));
  const ContextPath path = FindContextPath(flags, get_env);
  bool current = false;
  LB_RETURN_IF_ERROR(ChangeContexts(path, [&](ContextFile& file) -> absl::Status {
    for (const std::string& name : names) {
      if (file.contexts.erase(name) == 0) return NoSuchContext(name, file, path.path);
      if (file.current != name) continue;
      file.current.clear();
      current = true;
    }
    return absl::OkStatus();
  }));
  for (const std::string& name : names) WriteOut(absl::StrCat("context ", name, " is deleted\n"));
  if (current) Note(globals, "It was the current one: now there is none.\n");
  return ExitCode::kDone;
}

std::vector<std::string> ContextNames(const GlobalFlags& flags, const GetEnv& get_env) {
  std::vector<std::string> names;
  const auto file = LoadContexts(FindContextPath(flags, get_env));
  if (!file.ok()) return names;
  for (const auto& [name, context] : file->contexts) names.push_back(name);
  return names;
}

}  // namespace lb::cli
