#include "cli/log_level.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "cli/age.h"
#include "cli/client.h"
#include "cli/operation.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

constexpr char kDefault[] = "default";

std::string NameOf(lb::type::v1::LogLevel level) {
  if (level == lb::type::v1::LOG_LEVEL_UNSPECIFIED) return kDefault;
  constexpr size_t kPrefix = sizeof "LOG_LEVEL_" - 1;
  return absl::AsciiStrToLower(lb::type::v1::LogLevel_Name(level).substr(kPrefix));
}

// "debug"; "default (info)" where nothing is set; "default" of a program that does not say more.
std::string WordsOf(const api::LogSetting& setting) {
  const bool changed = setting.level() != lb::type::v1::LOG_LEVEL_UNSPECIFIED;
  if (changed || setting.default_level() == lb::type::v1::LOG_LEVEL_UNSPECIFIED)
    return NameOf(setting.level());
  return absl::StrCat(kDefault, " (", NameOf(setting.default_level()), ")");
}

absl::StatusOr<lb::type::v1::LogLevel> ParseLevel(const std::string& word) {
  lb::type::v1::LogLevel level = lb::type::v1::LOG_LEVEL_UNSPECIFIED;
  if (word == kDefault) return level;
  if (lb::type::v1::LogLevel_Parse(absl::StrCat("LOG_LEVEL_", absl::AsciiStrToUpper(word)),
                                   &level) &&
      level != lb::type::v1::LOG_LEVEL_UNSPECIFIED)
    return level;
  return UsageError(
      absl::StrCat("'", Escape(word), "' is no level: error, warn, info, debug, trace or default"));
}

void Print(const Globals& globals, const api::GetLogLevelsResponse& response) {
  if (globals.output == Output::kJson || globals.output == Output::kYaml)
    return PrintList(globals, "LogLevelList", "settings", response);
  Table table({{"COMPONENT"}, {"LEVEL"}, {"RETURNS-IN"}});
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(ReadClocks().wall.time_since_epoch());
  for (const api::LogSetting& setting : response.settings())
    table.Add({{setting.component()},
               {WordsOf(setting)},
               {setting.has_return_time()
                    ? FormatAge(std::chrono::seconds(setting.return_time().seconds()) - now)
                    : ""}});
  WriteOut(table.Render({globals.headers, globals.color, StdoutSize().columns}));
}

}  // namespace

absl::StatusOr<ExitCode> RunLogLevelGet(const Globals& globals) {
  LB_ASSIGN_OR_RETURN(auto client,
                      AdminClient::Connect({globals.endpoints, globals.timeout, globals.verbose}));
  LB_ASSIGN_OR_RETURN(const api::GetLogLevelsResponse response, client->GetLogLevels());
  Print(globals, response);
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> RunLogLevelSet(const Globals& globals, const std::string& component,
                                        const std::string& level,
                                        std::chrono::milliseconds duration, bool dry_run) {
  api::SetLogLevelRequest request;
  request.set_component(component);
  LB_ASSIGN_OR_RETURN(const lb::type::v1::LogLevel parsed, ParseLevel(level));
  request.set_level(parsed);
  request.mutable_duration()->set_seconds(duration.count() / 1'000);
  request.mutable_duration()->set_nanos(static_cast<int32_t>(duration.count() % 1'000) * 1'000'000);
  request.set_validate_only(dry_run);
  LB_ASSIGN_OR_RETURN(auto client,
                      AdminClient::Connect({globals.endpoints, globals.timeout, globals.verbose}));
  LB_ASSIGN_OR_RETURN(const api::GetLogLevelsResponse response, client->SetLogLevel(request));
  Print(globals, response);
  return ExitCode::kDone;
}

}  // namespace lb::cli
